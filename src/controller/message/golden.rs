//! Every text that says why an object is held, waits, or could not be served, as its owner reads it.
//!
//! The texts are in `messages.golden.txt`, one a line, so that a change of wording is seen by whoever reviews it. Run the
//! test with `UPDATE_GOLDEN=1` to write them anew.

use std::fmt::Write as _;
use std::time::Duration;

use super::super::ending::Ending;
use super::super::error::{AddressFault, Trouble};
use super::super::secrets::SecretName;
use super::{SecretGrant, Subject, hold, reason, trouble, waiting};
use crate::api::Reason;
use crate::decide::tests::sample;
use crate::decide::{Hold, Journal, Object, Unservable, Waiting};
use crate::lanes::{Closed, ClosedBy};
use crate::twilio::{CertificateFault, CredentialsError, Error, ErrorKind, NotSent, Operation, Target};

const GOLDEN: &str = include_str!("../messages.golden.txt");
const WEBHOOK: &str = "WH00000000000000000000000000000007";
const CONVERSATION: &str = "CH00000000000000000000000000000001";
const ACCOUNTS: [&str; 2] = ["AC00000000000000000000000000000001", "AC00000000000000000000000000000002"];
const ATTEMPT: &str = "5f0c0b9e-attempt";
const SECRET: &str = "tenant-a/twilio-credentials";

/// Names the variants of an enum, so that a new one is missed by the compiler, and by the test until there is a text.
macro_rules! variants {
    ($names:ident, $name:ident, $enum:ty, $($pattern:pat => $text:literal),+ $(,)?) => {
        const $names: &[&str] = &[$($text),+];
        fn $name(value: &$enum) -> &'static str {
            match value { $($pattern => $text),+ }
        }
    };
}

variants!(HOLDS, name_of_hold, Hold,
    Hold::Unservable(_) => "Unservable",
    Hold::JournalUnreadable => "JournalUnreadable",
    Hold::RestoredElsewhere => "RestoredElsewhere",
    Hold::OwnerUnseen { .. } => "OwnerUnseen",
    Hold::AccountMismatch { .. } => "AccountMismatch",
    Hold::ConversationNotFound => "ConversationNotFound",
    Hold::WebhookMissing(_) => "WebhookMissing",
    Hold::NothingToObserve => "NothingToObserve",
    Hold::HintMissing(_) => "HintMissing",
    Hold::HintOfOtherTarget(..) => "HintOfOtherTarget",
    Hold::AlreadyClaimed { .. } => "AlreadyClaimed",
    Hold::Drifted(_) => "Drifted",
    Hold::Contended { gone: false, .. } => "Contended, changed",
    Hold::Contended { gone: true, .. } => "Contended, gone",
    Hold::MassChange(_) => "MassChange",
    Hold::Suspended => "Suspended",
    Hold::NotTakenOver(_) => "NotTakenOver",
    Hold::ConversationFull(_) => "ConversationFull",
    Hold::TwinExists { claimed_by: Some(_), .. } => "TwinExists, claimed",
    Hold::TwinExists { claimed_by: None, .. } => "TwinExists, free",
    Hold::LateTwin { .. } => "LateTwin",
    Hold::Double { .. } => "Double",
    Hold::Ambiguous { .. } => "Ambiguous",
);

variants!(WAITS, name_of_wait, Waiting,
    Waiting::Window => "Window",
    Waiting::Sibling(_) => "Sibling",
);

variants!(TROUBLES, name_of_trouble, Trouble,
    Trouble::SecretMissing(_) => "SecretMissing",
    Trouble::SecretForbidden(_) => "SecretForbidden",
    Trouble::SecretInvalid { .. } => "SecretInvalid",
    Trouble::Address { fault: AddressFault::SecretMissing, .. } => "Address, no Secret",
    Trouble::Address { fault: AddressFault::SecretForbidden, .. } => "Address, forbidden",
    Trouble::Address { fault: AddressFault::KeyMissing, .. } => "Address, no key",
    Trouble::Address { fault: AddressFault::Malformed, .. } => "Address, malformed",
    Trouble::Twilio(_) => "Twilio",
    Trouble::Lane(Closed { why: ClosedBy::NoAnswer, .. }) => "Lane, no answer",
    Trouble::Lane(Closed { why: ClosedBy::RateLimited, .. }) => "Lane, rate limited",
    Trouble::Lane(Closed { why: ClosedBy::RetryBudget, .. }) => "Lane, retry budget",
    Trouble::Kubernetes(_) => "Kubernetes",
    Trouble::Rotated => "Rotated",
    Trouble::Crowded => "Crowded",
    Trouble::Stopping => "Stopping",
    Trouble::Internal(_) => "Internal",
);

variants!(KINDS, name_of_kind, ErrorKind,
    ErrorKind::Credentials => "Credentials",
    ErrorKind::AccountForbidden => "AccountForbidden",
    ErrorKind::NotFound(_) => "NotFound",
    ErrorKind::ConversationClosed => "ConversationClosed",
    ErrorKind::ConversationBusy => "ConversationBusy",
    ErrorKind::ConversationDeleting => "ConversationDeleting",
    ErrorKind::ConversationFull => "ConversationFull",
    ErrorKind::InvalidConfiguration => "InvalidConfiguration",
    ErrorKind::RegionUnsupported => "RegionUnsupported",
    ErrorKind::RateLimited => "RateLimited",
    ErrorKind::Unavailable => "Unavailable",
    ErrorKind::CertificateNotTrusted => "CertificateNotTrusted",
    ErrorKind::ForeignAccount => "ForeignAccount",
    ErrorKind::UnexpectedReply => "UnexpectedReply",
);

fn subject() -> Subject<'static> {
    Subject {
        namespace: "tenant-a",
        name: "bot",
        uid: "uid-of-bot",
        secret: Box::leak(Box::new(SecretName {
            namespace: "tenant-a".to_owned(),
            name: "twilio-credentials".to_owned(),
        })),
        grant: None,
        conversation: CONVERSATION.to_owned(),
        observing: false,
    }
}

fn with_open_attempt() -> Object {
    Object { journal: Journal::Attempt(Box::new(sample::attempt())), ..sample::object() }
}

/// A text, what it must name, and the next step that it must give where only a human leads on.
pub(in crate::controller) type Sample<T> = (T, &'static str, &'static str);

pub(in crate::controller) fn holds() -> Vec<Sample<Hold>> {
    let webhook = || WEBHOOK.parse().unwrap();
    let place = |account: &str| (account.parse().unwrap(), "us1".to_owned());
    let (delete, edit) = ("'kubectl -n tenant-a delete cw bot'", "'kubectl -n tenant-a edit cw bot'");
    let annotate = "'kubectl -n tenant-a annotate cw bot ";
    vec![
        (Hold::Unservable(Unservable("configuration.url is missing: set it")), "configuration.url", edit),
        (Hold::JournalUnreadable, CONVERSATION, annotate),
        (Hold::RestoredElsewhere, "another cluster", "confirm-restore=uid-of-bot'"),
        (
            Hold::OwnerUnseen { attempt: ATTEMPT.to_owned() },
            "create-attempt annotation",
            "confirm-restore=uid-of-bot'",
        ),
        (
            Hold::AccountMismatch { opens: place(ACCOUNTS[0]), needs: place(ACCOUNTS[1]) },
            ACCOUNTS[1],
            "give the Secret credentials of the latter",
        ),
        (Hold::ConversationNotFound, CONVERSATION, delete),
        (Hold::WebhookMissing(webhook()), WEBHOOK, edit),
        (Hold::NothingToObserve, CONVERSATION, edit),
        (Hold::HintMissing(webhook()), WEBHOOK, edit),
        (Hold::HintOfOtherTarget(webhook(), Target::Studio), WEBHOOK, edit),
        (
            Hold::AlreadyClaimed { webhook: webhook(), by: "tenant-a/other".to_owned() },
            "tenant-a/other",
            edit,
        ),
        (Hold::Drifted(webhook()), WEBHOOK, edit),
        (Hold::Contended { webhook: webhook(), gone: false }, WEBHOOK, annotate),
        (Hold::Contended { webhook: webhook(), gone: true }, WEBHOOK, annotate),
        (Hold::MassChange(webhook()), WEBHOOK, annotate),
        (Hold::Suspended, "mode", "'kubectl -n tenant-a patch cw bot "),
        (Hold::NotTakenOver(webhook()), WEBHOOK, delete),
        (Hold::ConversationFull(vec![webhook()]), WEBHOOK, "remove one"),
        (
            Hold::TwinExists {
                webhook: webhook(),
                claimed_by: Some("tenant-a/other".to_owned()),
                more: Vec::new(),
            },
            WEBHOOK,
            delete,
        ),
        (Hold::TwinExists { webhook: webhook(), claimed_by: None, more: Vec::new() }, WEBHOOK, edit),
        (
            Hold::TwinExists { webhook: webhook(), claimed_by: None, more: vec![webhook()] },
            "; look at WH",
            edit,
        ),
        (Hold::LateTwin { webhook: webhook(), more: Vec::new() }, WEBHOOK, edit),
        (Hold::LateTwin { webhook: webhook(), more: vec![webhook()] }, "; look at WH", edit),
        (Hold::Double { webhook: webhook(), others: vec![webhook()] }, WEBHOOK, "delete WH"),
        (
            Hold::Double { webhook: webhook(), others: vec![webhook(), webhook()] },
            "; look at WH",
            "delete WH",
        ),
        (
            Hold::Ambiguous { attempt: ATTEMPT.to_owned(), candidates: vec![webhook()] },
            WEBHOOK,
            "resolve-create=5f0c0b9e-attempt=WH",
        ),
    ]
}

pub(in crate::controller) fn waits() -> Vec<Sample<Waiting>> {
    vec![
        (Waiting::Window, CONVERSATION, "it is looked for"),
        (Waiting::Sibling("tenant-a/other".to_owned()), "tenant-a/other", "resolve-create=attempt-1=none"),
    ]
}

pub(in crate::controller) fn troubles() -> Vec<Sample<Trouble>> {
    let describe = "'kubectl -n tenant-a describe secret twilio-credentials'";
    let missing = CredentialsError::Missing { key: "TWILIO_ACCOUNT_SID" };
    let address = |fault| Trouble::Address { secret: SECRET.to_owned(), key: "url".to_owned(), fault };
    let lane = |why| Trouble::Lane(Closed { why, until: Duration::from_secs(7) });
    let mut troubles = vec![
        (Trouble::SecretMissing(SECRET.to_owned()), SECRET, "'kubectl -n tenant-a create secret generic "),
        (Trouble::SecretForbidden(SECRET.to_owned()), SECRET, "secretAccess.names"),
        (Trouble::SecretInvalid { secret: SECRET.to_owned(), source: missing }, SECRET, describe),
        (
            address(AddressFault::SecretMissing),
            SECRET,
            "create secret generic twilio-credentials --from-literal=url=",
        ),
        (address(AddressFault::SecretForbidden), SECRET, "secretAccess.names"),
        (address(AddressFault::KeyMissing), SECRET, describe),
        (address(AddressFault::Malformed), SECRET, describe),
        (lane(ClosedBy::NoAnswer), "the account's last requests", "tried again"),
        (lane(ClosedBy::RateLimited), "the account's requests", "tried again"),
        (lane(ClosedBy::RetryBudget), "the account's last requests", "tried again"),
        (Trouble::Kubernetes("what the API server says".to_owned()), "API server", ""),
        (Trouble::Rotated, "Secret", ""),
        (Trouble::Crowded, "turn", ""),
        (Trouble::Stopping, "stop", ""),
        (Trouble::Internal("why"), "why", ""),
    ];
    troubles.extend(twilio().into_iter().map(|(error, names, next)| (Trouble::Twilio(error), names, next)));
    troubles
}

fn twilio() -> Vec<Sample<Error>> {
    let operation = Operation::CreateWebhook;
    let api = |status, code| Error::Api { operation, status, code, request_id: None, retry_after: None };
    let delete = "'kubectl -n tenant-a delete cw bot'";
    let foreign = Error::ForeignAccount {
        operation,
        expected: ACCOUNTS[0].parse().unwrap(),
        found: ACCOUNTS[1].parse().unwrap(),
    };
    vec![
        (api(401, Some(20003)), "the credentials", "check that the Secret's key is active"),
        (api(403, Some(20403)), "the account", "give Secret tenant-a"),
        (api(404, Some(20404)), CONVERSATION, delete),
        (api(400, Some(50377)), CONVERSATION, delete),
        (api(409, Some(50391)), CONVERSATION, "tried again"),
        (api(400, Some(50334)), CONVERSATION, delete),
        (api(400, Some(50361)), CONVERSATION, "remove one"),
        (api(400, Some(50365)), "the webhook as written", "'kubectl -n tenant-a edit cw bot'"),
        (api(400, Some(50385)), "the region in the Secret", "correct TWILIO_REGION"),
        (api(429, Some(20429)), "the account's requests", "tried again"),
        (Error::NotSent { operation, reason: NotSent::Timeout }, "create_webhook", "tried again"),
        (
            Error::CertificateNotTrusted { operation, fault: CertificateFault::UnknownIssuer },
            "the certificate of Twilio's host",
            "--twilio-ca-bundle",
        ),
        (foreign, ACCOUNTS[1], "correct one of them"),
        (api(404, None), "HTTP status 404 on create_webhook", "tried again"),
    ]
}

/// The name of each sample's variant.
pub(in crate::controller) fn name_of(what: &Ending) -> String {
    match what {
        Ending::Hold(what) => format!("hold {}", name_of_hold(what)),
        Ending::Wait(what) => format!("wait {}", name_of_wait(what)),
        Ending::Trouble(Trouble::Twilio(error)) => format!("trouble Twilio {}", name_of_kind(&error.kind())),
        Ending::Trouble(what) => format!("trouble {}", name_of_trouble(what)),
        other => format!("{other:?}"),
    }
}

/// One line for each text: the variant, its reason (`stalled` where a human must act), and the text.
fn lines() -> String {
    let mut lines = String::new();
    let mut line = |kind: &str, variant: &str, reason: Option<Reason>, stalled: bool, text: &str| {
        let reason = reason.map_or("(log only)", Reason::as_str);
        let stalled = if stalled { ", stalled" } else { "" };
        writeln!(lines, "{kind} {variant} | {reason}{stalled} | {text}").unwrap();
    };
    let (subject, object) = (subject(), with_open_attempt());
    for (what, ..) in holds() {
        let why = reason(&what);
        line("hold", name_of_hold(&what), Some(why), why.stalled(), &hold(&what, &subject));
    }
    for (what, ..) in waits() {
        line(
            "wait",
            name_of_wait(&what),
            Some(Reason::CreateUnresolved),
            false,
            &waiting(&what, &object, &subject),
        );
    }
    for (what, ..) in troubles() {
        let variant = match &what {
            Trouble::Twilio(error) => format!("Twilio {}", name_of_kind(&error.kind())),
            what => name_of_trouble(what).to_owned(),
        };
        line("trouble", &variant, what.reason(), what.stalled(), &trouble(&what, &subject));
    }
    lines
}

/// The very command, for whoever may run it.
#[test]
fn a_grant_is_named_with_its_command() {
    let grant =
        SecretGrant { cluster_role: "cwo-secrets".to_owned(), service_account: "cwo-system:cwo".to_owned() };
    let subject = Subject { grant: Some(&grant), ..subject() };
    let command = "'kubectl -n tenant-a create rolebinding cwo-secrets --clusterrole=cwo-secrets \
                   --serviceaccount=cwo-system:cwo'";
    let fault = AddressFault::SecretForbidden;
    let address = Trouble::Address { secret: SECRET.to_owned(), key: "url".to_owned(), fault };
    for trouble in [Trouble::SecretForbidden(SECRET.to_owned()), address] {
        let said = super::trouble(&trouble, &subject);
        assert!(said.contains(command), "{said}");
    }
}

#[test]
fn every_text_is_as_it_was_reviewed() {
    let now = lines();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/controller/messages.golden.txt");
        std::fs::write(path, &now).unwrap();
        return;
    }
    let mut difference = String::new();
    for gone in GOLDEN.lines().filter(|line| !now.lines().any(|other| other == *line)) {
        writeln!(difference, "- {gone}").unwrap();
    }
    for new in now.lines().filter(|line| !GOLDEN.lines().any(|other| other == *line)) {
        writeln!(difference, "+ {new}").unwrap();
    }
    assert!(difference.is_empty(), "run with UPDATE_GOLDEN=1 where this is meant:\n{difference}");
    assert_eq!(GOLDEN, now, "the same lines in the order of the code");
}

#[test]
fn every_variant_has_a_text() {
    let names = |all: &[&'static str]| {
        let mut all = all.to_vec();
        all.sort_unstable();
        all.dedup();
        all
    };
    let of_holds: Vec<_> = holds().iter().map(|(what, ..)| name_of_hold(what)).collect();
    let of_waits: Vec<_> = waits().iter().map(|(what, ..)| name_of_wait(what)).collect();
    let of_troubles: Vec<_> = troubles().iter().map(|(what, ..)| name_of_trouble(what)).collect();
    let of_kinds: Vec<_> = twilio().iter().map(|(what, ..)| name_of_kind(&what.kind())).collect();
    assert_eq!(names(&of_holds), names(HOLDS));
    assert_eq!(names(&of_waits), names(WAITS));
    assert_eq!(names(&of_troubles), names(TROUBLES));
    assert_eq!(names(&of_kinds), names(KINDS));
}

/// What is concerned is named in every text, and the next step wherever nothing moves without a human.
#[test]
fn every_text_names_what_is_concerned_and_the_next_step() {
    let (subject, object) = (subject(), with_open_attempt());
    let check = |text: String, names: &str, next: &str, stalled: bool| {
        assert!(text.contains(names), "{names:?} is not named: {text}");
        assert!(text.contains(next), "no {next:?}: {text}");
        assert!(!stalled || !next.is_empty(), "a human must act, and nobody says how: {text}");
        assert!(!text.contains("  ") && !text.contains('\n'), "{text:?}");
    };
    for (what, names, next) in holds() {
        check(hold(&what, &subject), names, next, reason(&what).stalled());
    }
    for (what, names, next) in waits() {
        check(waiting(&what, &object, &subject), names, next, false);
    }
    for (what, names, next) in troubles() {
        check(trouble(&what, &subject), names, next, what.stalled());
    }
}

/// A text with a time or the id of a request in it would be written again and again.
#[test]
fn a_text_is_the_same_for_each_repetition_of_an_error() {
    let error = |id: &str, seconds| {
        Trouble::Twilio(Error::Api {
            operation: Operation::ListWebhooks,
            status: 429,
            code: Some(20429),
            request_id: Some(id.to_owned()),
            retry_after: Some(Duration::from_secs(seconds)),
        })
    };
    assert_eq!(trouble(&error("RQ1", 1), &subject()), trouble(&error("RQ2", 9), &subject()));
}
