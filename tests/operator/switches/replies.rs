//! Switches of what replies look like. None of them is drift.

use twilio_conversations_simulator::{
    DateUpdated, FilterOrder, ListOrder, MethodCase, PageLimit, Settings, StudioFilters, TriggerKeys,
};

use super::life;

#[tokio::test]
async fn switch_method_case_upper_is_no_drift() {
    life::whole(Settings { method_case: MethodCase::Upper, ..Settings::default() }).await;
}

#[tokio::test]
async fn switch_trigger_keys_under_filters_are_keywords() {
    life::whole(Settings { trigger_keys: TriggerKeys::Filters, ..Settings::default() }).await;
}

#[tokio::test]
async fn switch_echo_replay_after_is_no_drift() {
    life::whole(Settings { echo_replay_after: true, ..Settings::default() }).await;
}

#[tokio::test]
async fn switch_studio_filters_hidden_are_no_drift() {
    life::whole(Settings { studio_filters: StudioFilters::Hide, ..Settings::default() }).await;
}

#[tokio::test]
async fn switch_filter_order_reversed_is_no_drift() {
    life::whole(Settings { filter_order: FilterOrder::Reversed, ..Settings::default() }).await;
}

#[tokio::test]
async fn switch_list_order_newest_first_changes_nothing() {
    life::whole(Settings { list_order: ListOrder::NewestFirst, ..Settings::default() }).await;
}

#[tokio::test]
async fn switch_date_updated_null_until_the_first_change_is_read() {
    life::whole(Settings { date_updated: DateUpdated::AfterChange, ..Settings::default() }).await;
}

#[tokio::test]
async fn switch_page_limit_of_the_older_documentation_changes_nothing() {
    life::whole(Settings { page_limit: PageLimit::Thousand, ..Settings::default() }).await;
}
