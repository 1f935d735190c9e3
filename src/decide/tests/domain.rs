//! Every kind of input, from small sets of values, so that SIDs, uids and configurations meet often.
//!
//! An input is one of the usual situations with a few of its parts replaced by anything: that reaches deep rules
//! as well as nonsense that no driver would ask about.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::fixture::Known;
use super::sample::*;
use crate::api::Mode;
use crate::decide::{
    Access, Action, Address, Answers, Attempt, Board, Desired, Journal, Kind, Object, Phase, Recorded,
    Remote, Renamed, Reply, Resolution, Sender, Settled, Sibling, Siblings, Unservable, Wanted,
};
use crate::twilio::{ConversationSid, WebhookConfig, WebhookSid};

/// Any input.
pub(super) fn any_known() -> impl Strategy<Value = Known> {
    (usual(), vec(change(), 0..5)).prop_map(|(usual, changes)| changes.into_iter().fold(usual, Change::apply))
}

/// The first word of an action, and of its evidence.
pub(super) fn kind(action: &Action) -> String {
    match action {
        Action::Record { provenance, .. } => format!("Record {provenance:?}"),
        Action::Settle { because: Settled::Answered(_), .. } => "Settle Answered".to_owned(),
        Action::Settle { because, .. } => format!("Settle {because:?}"),
        other => {
            format!("{other:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
        }
    }
}

fn usual() -> impl Strategy<Value = Known> {
    let sending = || Known::ready_to_create().open(attempt()).phase(Phase::BeforeNotAfter);
    select(vec![
        Known::new_object(),
        Known { conversation: None, ..Known::new_object().proved() },
        Known::ready_to_create(),
        Known::ready_to_create().cached([sibling_creating("uid-4", &bot())]),
        tried_before().listed([hook(1, bot())]).live([]),
        sending().sender(journalled(true)),
        sending().sender(created(1, false)),
        Known { object: None, ..sending().sender(created(1, true)).live([]) },
        Known { object: None, ..sending().sender(created(1, true)).live([sibling_with("uid-4", 1)]) },
        sending().sender(created(1, true)).with(|object| object.record = record(1)),
        sending().sender(Sender::NotCreated { id: ATTEMPT.to_owned() }),
        Known::unresolved().listed([hook(1, bot())]),
        Known::unresolved().open(adopting()).listed([hook(1, bot())]),
        Known::new_object().open(copied()).live([sibling("uid-4")]),
        Known::unresolved().seen_before(),
        Known::unresolved().seen_before().deleting(),
        Known::unresolved().vanished().listed([hook(1, bot())]),
        Known::with_webhook(),
        Known::with_webhook().due().proved().listed([hook(1, other_bot())]),
        Known::with_webhook().edited(other_bot()).proved(),
        Known::with_webhook().due().access(false).listed([]),
        Known::with_webhook().deleting().proved(),
        Known::with_webhook().deleting().access(false).removed(Reply::NotFound),
        Known::ready_to_create()
            .with(|object| object.hint = Some(sid(1)))
            .listed([hook(1, other_bot())])
            .live([]),
        Known::ready_to_create()
            .with(|object| object.adopts_identical = true)
            .listed([hook(1, bot())])
            .live([]),
        missing(),
        missing().with(|object| object.recreates = false),
        Known { repairs: 2, ..missing() },
        Known { mass_change: true, ..missing() },
        Known::with_webhook().due().proved().listed([hook(1, bot()), hook(2, bot())]).live([]).with(lost_2),
        Known::with_webhook()
            .deleting()
            .proved()
            .listed([hook(1, bot()), hook(2, bot())])
            .live([])
            .with(lost_2),
        Known::with_webhook()
            .due()
            .proved()
            .listed([hook(1, other_bot())])
            .with(|object| object.mode = Mode::Observe),
        gone_by_name(),
        Known { renamed: Renamed::Found(other_conversation()), ..gone_by_name() },
        Known::unresolved().listed([hook(1, other_bot())]).with(|object| object.answers = answer(Some(1))),
        Known::unresolved().listed([hook(1, other_bot())]).with(|object| object.answers = answer(None)),
    ])
}

/// An object whose webhook is verified absent.
fn missing() -> Known {
    Known::with_webhook().due().proved().listed([]).seen_before()
}

/// An object whose conversation, known by its unique name, is verified gone.
fn gone_by_name() -> Known {
    Known::with_webhook().by_name().due().proved().conversation_gone().seen_before()
}

fn lost_2(object: &mut Object) {
    object.record.lost = vec![sid(2)];
}

fn tried_before() -> Known {
    let settled = Known::ready_to_create().open(attempt());
    settled.with(|object| object.record.settled_attempt = Some(ATTEMPT.to_owned())).edited(other_bot())
}

fn adopting() -> Attempt {
    Attempt { adopt: Some(sid(1)), ..attempt() }
}

fn copied() -> Attempt {
    Attempt { uid: "uid-4".to_owned(), ..attempt() }
}

/// Another value for one part of an input.
#[derive(Clone, Debug)]
enum Change {
    NoObject,
    Vanished(bool),
    Uid(String),
    Generation(i64),
    Deleting(bool),
    Finalizer(bool),
    Label(Option<ConversationSid>),
    Desired(Result<Desired, Unservable>),
    Retain(bool),
    Mode(Mode),
    Adopts(bool),
    Recreates(bool),
    Hint(Option<WebhookSid>),
    Answers(Answers),
    Lost(Vec<WebhookSid>),
    Renamed(Renamed),
    Asked(bool),
    Repairs(usize),
    ManyMissing(bool),
    Journal(Journal),
    Webhook(Option<WebhookSid>),
    Settled(Option<String>),
    Access(Access),
    SeesAll(bool),
    Conversation(Option<ConversationSid>),
    Remote(Remote),
    Siblings(Siblings),
    Phase(Phase),
    AbsenceConfirmed(bool),
    Sender(Sender),
    Update(Reply),
    Removal(Reply),
    Kind(Kind),
    Due(bool),
}

impl Change {
    fn apply(known: Known, change: Self) -> Known {
        match change {
            Self::NoObject => Known { object: None, ..known },
            Self::Vanished(vanished) => Known { vanished, ..known },
            Self::Uid(uid) => on(known, |object| object.uid = uid),
            Self::Generation(generation) => on(known, |object| object.generation = generation),
            Self::Deleting(deleting) => on(known, |object| object.deleting = deleting),
            Self::Finalizer(finalizer) => on(known, |object| object.finalizer = finalizer),
            Self::Label(label) => on(known, |object| object.label = label),
            Self::Desired(desired) => on(known, |object| object.desired = desired),
            Self::Retain(retain) => on(known, |object| object.retain = retain),
            Self::Mode(mode) => on(known, |object| object.mode = mode),
            Self::Adopts(adopts) => on(known, |object| object.adopts_identical = adopts),
            Self::Recreates(recreates) => on(known, |object| object.recreates = recreates),
            Self::Hint(hint) => on(known, |object| object.hint = hint),
            Self::Answers(answers) => on(known, |object| object.answers = answers),
            Self::Lost(lost) => on(known, |object| object.record.lost = lost),
            Self::Renamed(renamed) => Known { renamed, ..known },
            Self::Asked(asked) => Known { asked, ..known },
            Self::Repairs(repairs) => Known { repairs, ..known },
            Self::ManyMissing(mass_change) => Known { mass_change, ..known },
            Self::Journal(journal) => on(known, |object| object.journal = journal),
            Self::Webhook(webhook) => on(known, |object| object.record.webhook = webhook),
            Self::Settled(id) => on(known, |object| object.record.settled_attempt = id),
            Self::Access(access) => Known { access, ..known },
            Self::SeesAll(sees_all) => Known { sees_all, ..known },
            Self::Conversation(conversation) => Known { conversation, ..known },
            Self::Remote(remote) => Known { remote, ..known },
            Self::Siblings(siblings) => Known { siblings, ..known },
            Self::Phase(phase) => Known { phase, ..known },
            Self::AbsenceConfirmed(absence_confirmed) => Known { absence_confirmed, ..known },
            Self::Sender(sender) => Known { sender, ..known },
            Self::Update(update) => Known { update, ..known },
            Self::Removal(removal) => Known { removal, ..known },
            Self::Kind(kind) => Known { kind, ..known },
            Self::Due(due) => Known { due, ..known },
        }
    }
}

fn on(mut known: Known, change: impl FnOnce(&mut Object)) -> Known {
    if let Some(object) = &mut known.object {
        change(object);
    }
    known
}

fn change() -> impl Strategy<Value = Change> {
    let of_object = prop_oneof![
        Just(Change::NoObject),
        any::<bool>().prop_map(Change::Vanished),
        uid().prop_map(Change::Uid),
        (1..4_i64).prop_map(Change::Generation),
        any::<bool>().prop_map(Change::Deleting),
        any::<bool>().prop_map(Change::Finalizer),
        option::of(select(vec![conversation(), other_conversation()])).prop_map(Change::Label),
        desire().prop_map(Change::Desired),
        any::<bool>().prop_map(Change::Retain),
        select(vec![Mode::Apply, Mode::Observe, Mode::Suspended]).prop_map(Change::Mode),
        any::<bool>().prop_map(Change::Adopts),
        any::<bool>().prop_map(Change::Recreates),
        option::of(any_sid()).prop_map(Change::Hint),
        answers().prop_map(Change::Answers),
        vec(any_sid(), 0..3).prop_map(Change::Lost),
        journal().prop_map(Change::Journal),
        option::of(any_sid()).prop_map(Change::Webhook),
        option::of(id()).prop_map(Change::Settled),
    ];
    let around_it = prop_oneof![
        access().prop_map(Change::Access),
        any::<bool>().prop_map(Change::SeesAll),
        option::of(Just(conversation())).prop_map(Change::Conversation),
        remote().prop_map(Change::Remote),
        siblings().prop_map(Change::Siblings),
        select(vec![Phase::BeforeNotAfter, Phase::InWindow, Phase::WindowOver]).prop_map(Change::Phase),
        any::<bool>().prop_map(Change::AbsenceConfirmed),
        sender().prop_map(Change::Sender),
        reply().prop_map(Change::Update),
        reply().prop_map(Change::Removal),
        select(vec![Kind::Unread, Kind::Stays, Kind::Leaves]).prop_map(Change::Kind),
        any::<bool>().prop_map(Change::Due),
        any::<bool>().prop_map(Change::Asked),
        (0..4_usize).prop_map(Change::Repairs),
        any::<bool>().prop_map(Change::ManyMissing),
        select(vec![
            Renamed::Unread,
            Renamed::NotFound,
            Renamed::Found(conversation()),
            Renamed::Found(other_conversation()),
        ])
        .prop_map(Change::Renamed),
    ];
    prop_oneof![of_object, around_it]
}

fn access() -> impl Strategy<Value = Access> {
    let known = (1..3_u8, select(vec!["us1", "ie1"]), any::<bool>()).prop_map(|(n, region, proved)| {
        Access::Known { account: account(n), region: region.to_owned(), proved }
    });
    prop_oneof![Just(Access::Unread), known]
}

fn remote() -> impl Strategy<Value = Remote> {
    let board = (btree_map(1..4_u8, config(), 0..4), any::<bool>()).prop_map(|(some, full)| {
        let fillers = if full { 11..16 } else { 11..11 };
        let some = some.into_iter().map(|(n, config)| hook(n, config));
        Board::new(some.chain(fillers.map(|n| hook(n, trigger()))).take(5).collect())
    });
    let listed = (board, any::<bool>()).prop_map(|(board, fresh)| Remote::Listed { board, fresh });
    prop_oneof![1 => Just(Remote::Unread), 1 => Just(Remote::NotFound), 6 => listed]
}

fn siblings() -> impl Strategy<Value = Siblings> {
    prop_oneof![
        1 => Just(Siblings::Unread),
        2 => vec(any_sibling(), 0..3).prop_map(Siblings::Cached),
        4 => vec(any_sibling(), 0..3).prop_map(Siblings::Live),
    ]
}

fn any_sibling() -> impl Strategy<Value = Sibling> {
    let words = (any::<bool>(), option::weighted(0.1, any_sid()));
    (uid(), option::of(any_sid()), option::of(any_attempt()), option::of(config()), words).prop_map(
        |(uid, webhook, open, config, (as_journalled, answer))| Sibling {
            webhook,
            open,
            as_journalled,
            answer,
            desired: config.map(desired),
            ..sibling(&uid)
        },
    )
}

fn sender() -> impl Strategy<Value = Sender> {
    prop_oneof![
        Just(Sender::Idle),
        (id(), any::<bool>()).prop_map(|(id, clear)| Sender::Journalled { id, clear }),
        (id(), any_sid(), any::<bool>()).prop_map(|(id, webhook, reread)| Sender::Created {
            id,
            webhook,
            reread
        }),
        id().prop_map(|id| Sender::NotCreated { id }),
    ]
}

fn journal() -> impl Strategy<Value = Journal> {
    prop_oneof![
        1 => Just(Journal::Missing),
        1 => Just(Journal::Unreadable),
        4 => any_attempt().prop_map(|attempt| Journal::Attempt(Box::new(attempt))),
    ]
}

fn any_attempt() -> impl Strategy<Value = Attempt> {
    let names = (id(), uid(), select(vec![CLUSTER, CLUSTER, CLUSTER, "other-cluster"]));
    let place = (select(vec![1_u8, 1, 1, 2]), 1..3_i64);
    let what =
        (btree_set(any_sid(), 0..3), config(), vec(any_recorded(), 0..2), option::weighted(0.2, any_sid()));
    (names, place, what).prop_map(|((id, uid, cluster), (n, generation), what)| {
        let (baseline, config, past_configs, adopt) = what;
        let config = recorded(&config);
        let cluster = cluster.to_owned();
        let account = account(n);
        Attempt { id, uid, cluster, account, generation, baseline, config, past_configs, adopt, ..attempt() }
    })
}

fn answers() -> impl Strategy<Value = Answers> {
    let resolve = (id(), option::of(any_sid())).prop_map(|(attempt, made)| Resolution { attempt, made });
    let abandon = prop_oneof![id(), any_sid().prop_map(|sid| sid.to_string())];
    (option::of(resolve), option::of(abandon), option::of(uid()))
        .prop_map(|(resolve, abandon, confirm_restore)| Answers { resolve, abandon, confirm_restore })
}

fn desire() -> impl Strategy<Value = Result<Desired, Unservable>> {
    prop_oneof![
        4 => config().prop_map(|config| Ok(desired(config))),
        1 => config().prop_map(|config| {
            Ok(Desired { address: Address::Unread, config: WebhookConfig { url: None, ..config.clone() }, ..desired(config) })
        }),
        1 => config().prop_map(|config| {
            Ok(Desired { conversation: Wanted::UniqueName("support".to_owned()), ..desired(config) })
        }),
        1 => Just(Err(Unservable("set configuration.url"))),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    select(vec![Reply::None, Reply::Done, Reply::NotFound])
}

fn any_recorded() -> impl Strategy<Value = Recorded> {
    config().prop_map(|config| recorded(&config))
}

fn config() -> impl Strategy<Value = WebhookConfig> {
    select(vec![bot(), bot(), other_bot(), trigger()])
}

fn any_sid() -> impl Strategy<Value = WebhookSid> {
    (1..4_u8).prop_map(sid)
}

fn id() -> impl Strategy<Value = String> {
    select(vec![ATTEMPT.to_owned(), ATTEMPT.to_owned(), "attempt-2".to_owned()])
}

fn uid() -> impl Strategy<Value = String> {
    select(vec![UID.to_owned(), UID.to_owned(), "uid-4".to_owned(), "uid-6".to_owned()])
}

fn other_conversation() -> ConversationSid {
    format!("CH{:032x}", 2).parse().expect("a conversation SID")
}
