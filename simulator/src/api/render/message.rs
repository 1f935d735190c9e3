//! Messages and their delivery receipts.

use serde::Serialize;

use super::{Date, Links};
use crate::api::page::Meta;
use crate::sid::{
    AccountSid, ChannelMessageSid, ConversationSid, MessageSid, ParticipantSid, ReceiptSid, ServiceSid,
};
use crate::world::{DeliveryStatus, Message, Receipt};

/// A list.
#[derive(Serialize)]
pub(crate) struct MessageList<'a> {
    pub(crate) meta: Meta,
    pub(crate) messages: Vec<MessageJson<'a>>,
}

/// A message.
#[derive(Serialize)]
pub(crate) struct MessageJson<'a> {
    sid: MessageSid,
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    body: &'a str,
    media: Option<()>,
    author: &'a str,
    participant_sid: Option<ParticipantSid>,
    attributes: &'a str,
    date_created: Date,
    date_updated: Date,
    index: u64,
    delivery: Option<Delivery>,
    content_sid: Option<()>,
    url: String,
    links: MessageLinks,
}

/// How far a message came, over all participants that a channel reaches.
#[derive(Serialize)]
struct Delivery {
    total: usize,
    sent: Share,
    delivered: Share,
    read: Share,
    failed: Share,
    undelivered: Share,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Share {
    None,
    Some,
    All,
}

#[derive(Serialize)]
struct MessageLinks {
    delivery_receipts: String,
    channel_metadata: String,
}

impl<'a> MessageJson<'a> {
    pub(crate) fn new(
        account: AccountSid,
        conversation: ConversationSid,
        message: &'a Message,
        links: &Links<'_>,
    ) -> Self {
        let url = format!("{}/Messages/{}", links.conversation(conversation), message.sid);
        Self {
            sid: message.sid,
            account_sid: account,
            chat_service_sid: links.service,
            conversation_sid: conversation,
            body: &message.body,
            media: None,
            author: &message.author,
            participant_sid: message.participant,
            attributes: &message.attributes,
            date_created: Date(message.created_at),
            date_updated: Date(message.updated_at),
            index: message.index,
            delivery: (!message.receipts.is_empty()).then(|| Delivery::of(&message.receipts)),
            content_sid: None,
            links: MessageLinks {
                delivery_receipts: format!("{url}/Receipts"),
                channel_metadata: format!("{url}/ChannelMetadata"),
            },
            url,
        }
    }
}

impl Delivery {
    fn of(receipts: &[Receipt]) -> Self {
        use DeliveryStatus::{Delivered, Failed, Read, Sent, Undelivered};
        let share = |these: &[DeliveryStatus]| match receipts
            .iter()
            .filter(|receipt| these.contains(&receipt.status))
            .count()
        {
            0 => Share::None,
            all if all == receipts.len() => Share::All,
            _ => Share::Some,
        };
        Self {
            total: receipts.len(),
            // What was read was delivered, and what was delivered was sent.
            sent: share(&[Sent, Delivered, Read]),
            delivered: share(&[Delivered, Read]),
            read: share(&[Read]),
            failed: share(&[Failed]),
            undelivered: share(&[Undelivered]),
        }
    }
}

/// A list.
#[derive(Serialize)]
pub(crate) struct ReceiptList {
    pub(crate) meta: Meta,
    pub(crate) delivery_receipts: Vec<ReceiptJson>,
}

/// A delivery receipt.
#[derive(Serialize)]
pub(crate) struct ReceiptJson {
    sid: ReceiptSid,
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    message_sid: MessageSid,
    channel_message_sid: ChannelMessageSid,
    participant_sid: ParticipantSid,
    status: DeliveryStatus,
    error_code: u32,
    date_created: Date,
    date_updated: Date,
    url: String,
}

impl ReceiptJson {
    pub(crate) fn new(
        account: AccountSid,
        conversation: ConversationSid,
        message: &Message,
        receipt: &Receipt,
        links: &Links<'_>,
    ) -> Self {
        let message_url = format!("{}/Messages/{}", links.conversation(conversation), message.sid);
        Self {
            sid: receipt.sid,
            account_sid: account,
            chat_service_sid: links.service,
            conversation_sid: conversation,
            message_sid: message.sid,
            channel_message_sid: receipt.channel_message,
            participant_sid: receipt.participant,
            status: receipt.status,
            error_code: receipt.error_code,
            date_created: Date(receipt.created_at),
            date_updated: Date(receipt.updated_at),
            url: format!("{message_url}/Receipts/{}", receipt.sid),
        }
    }
}
