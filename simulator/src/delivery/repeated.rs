//! Which deliveries told a bot what it had been told before: what a webhook that was created again, or twice, does to
//! the bot behind it.

use std::collections::HashMap;

use super::{Delivery, Destination};
use crate::sid::{AccountSid, MessageSid};

/// What makes two deliveries the same to the one who receives them.
#[derive(PartialEq, Eq, Hash)]
struct Sameness<'a> {
    account: AccountSid,
    event: &'a str,
    message: MessageSid,
    /// A message may be changed more than once, and each change is news.
    updated: Option<&'a str>,
    destination: &'a Destination,
}

impl<'a> Sameness<'a> {
    fn of(delivery: &'a Delivery) -> Option<Self> {
        let Delivery { account, event, destination, .. } = delivery;
        let (message, updated) = (delivery.message?, delivery.field("DateUpdated"));
        Some(Self { account: *account, event, message, updated, destination })
    }
}

/// The deliveries of one event of one message to one destination by more than one webhook: each group has at least two,
/// oldest first. Further attempts of one delivery do not count.
pub(crate) fn repeated(deliveries: &[Delivery]) -> Vec<Vec<Delivery>> {
    let mut groups: Vec<Vec<&Delivery>> = Vec::new();
    let mut known: HashMap<Sameness<'_>, usize> = HashMap::new();
    for delivery in deliveries.iter().filter(|delivery| delivery.retry == 0) {
        let Some(sameness) = Sameness::of(delivery) else { continue };
        let group = *known.entry(sameness).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(delivery);
    }
    let groups = groups.into_iter().filter(|group| is_repeated(group));
    groups.map(|group| group.into_iter().cloned().collect()).collect()
}

fn is_repeated(group: &[&Delivery]) -> bool {
    let Some((first, others)) = group.split_first() else { return false };
    others.iter().any(|other| (other.level, other.webhook) != (first.level, first.webhook))
}
