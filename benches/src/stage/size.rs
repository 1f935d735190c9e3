//! How much there is of what.

use clap::{Args, ValueEnum};

/// How much there is of what.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Objects.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) objects: u32,
    /// Of these on each conversation.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=5))]
    pub(crate) per_conversation: u32,
    /// Tenants, each with a namespace, an account and a Secret.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tenants: u32,
    /// How long Twilio takes for each request, in milliseconds.
    #[arg(long, default_value_t = 100)]
    pub(crate) latency: u64,
    /// Requests that one account may have in flight, as the operator is told.
    #[arg(long, default_value_t = 5)]
    pub(crate) in_flight: u32,
    /// Requests of one account beyond which Twilio answers 429.
    #[arg(long)]
    pub(crate) twilio_in_flight: Option<u32>,
    /// The first tenant has half of all objects, and the others share the rest.
    #[arg(skip)]
    pub(crate) one_has_half: bool,
    /// Level of the operator's log, which is printed on standard error at the end where it is not `warn`.
    #[arg(long, value_enum, default_value_t = Level::Warn)]
    pub(crate) log: Level,
}

/// How much the operator logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    Warn,
    Info,
    Debug,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl Size {
    /// Conversations of the objects.
    pub(crate) fn conversations(self) -> u32 {
        self.objects.div_ceil(self.per_conversation)
    }

    /// The conversation of an object, by its number.
    pub(crate) fn conversation(self, object: u32) -> u32 {
        object / self.per_conversation
    }

    /// Whose a conversation is.
    pub(crate) fn tenant(self, conversation: u32) -> u32 {
        match (self.one_has_half, self.tenants - 1) {
            (false, _) | (true, 0) => conversation % self.tenants,
            (true, _) if conversation.is_multiple_of(2) => 0,
            (true, others) => 1 + (conversation / 2) % others,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        size: Size,
    }

    #[test]
    fn one_tenant_has_half_and_the_others_have_equal_parts() {
        let Only { size } = Only::parse_from(["bench", "--objects=9900", "--tenants=100"]);
        let of = |size: Size| {
            let mut of = vec![0; 100];
            for object in 0..size.objects {
                of[size.tenant(size.conversation(object)) as usize] += 1;
            }
            of
        };
        assert!(of(size).iter().all(|objects| (95..=100).contains(objects)));
        let uneven = of(Size { one_has_half: true, ..size });
        assert_eq!(uneven[0], 4950);
        assert_eq!(uneven[1..], [50; 99]);
    }
}
