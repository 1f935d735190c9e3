//! Lists: filters, order and pages.

use crate::fixture::*;
use serde_json::{Value, json};
use twilio_conversations_simulator::{ConversationSeed, ConversationState};

/// Follows a list from page to page; the `field` of everything on it, and how many pages there were.
async fn walk(world: &World, path: &str, list: &str, field: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages) = (Vec::new(), 0);
    let mut next = Some(world.url(path));
    while let Some(url) = next {
        let reply = Reply::to(world.client.get(&url).basic_auth(ACCOUNT, Some(TOKEN))).await;
        assert_eq!((reply.status, &reply.json["meta"]["key"]), (200, &json!(list)), "{url}");
        items.extend(reply.column(list, field));
        pages += 1;
        next = reply.json["meta"]["next_page_url"].as_str().map(str::to_owned);
    }
    (items, pages)
}

#[tokio::test]
async fn every_list_is_whole_page_by_page() {
    let world = World::start().await;
    for name in ["a", "b", "c", "d", "e"] {
        world.post("/v1/Conversations", &[("UniqueName", name)]).await;
        world.post("/v1/Services", &[("FriendlyName", name)]).await;
        world.post(&messages(CONVERSATION), &[("Body", name)]).await;
        world.post(&participants(CONVERSATION), &[("Identity", name)]).await;
        world.create(&format!("https://bots.example.com/{name}")).await;
    }
    for (path, list, total) in [
        ("/v1/Conversations".to_owned(), "conversations", 6),
        ("/v1/Services".to_owned(), "services", 7),
        (messages(CONVERSATION), "messages", 5),
        (participants(CONVERSATION), "participants", 5),
        (webhooks(CONVERSATION), "webhooks", 5),
    ] {
        let (whole, _) = walk(&world, &path, list, "sid").await;
        assert_eq!(whole.len(), total, "{path}");
        let (cut, pages) = walk(&world, &format!("{path}?PageSize=2"), list, "sid").await;
        assert_eq!((cut, pages), (whole, total.div_ceil(2)), "{path}");
    }
}

#[tokio::test]
async fn pages_of_all_but_webhooks_have_fifty_and_at_most_a_hundred() {
    let world = World::start().await;
    for _ in 0..120 {
        world.simulator.create_conversation(ACCOUNT, &ConversationSeed::default()).unwrap();
    }
    for (query, size) in [("", 50), ("?PageSize=1000", 100), ("?PageSize=0", 1)] {
        let page = world.get(&format!("/v1/Conversations{query}")).await;
        assert_eq!(
            (page.column("conversations", "sid").len(), &page.json["meta"]["page_size"]),
            (size, &json!(size))
        );
    }
    let (all, pages) = walk(&world, "/v1/Conversations", "conversations", "sid").await;
    assert_eq!((all.len(), pages), (121, 3));
}

#[tokio::test]
async fn conversations_are_listed_by_state_on_every_page() {
    let world = World::start().await;
    for (name, state) in
        [("a", "closed"), ("b", "active"), ("c", "closed"), ("d", "inactive"), ("e", "closed")]
    {
        world.post("/v1/Conversations", &[("UniqueName", name), ("State", state)]).await;
    }
    let names = async |query: &str| {
        walk(&world, &format!("/v1/Conversations?{query}"), "conversations", "unique_name").await
    };
    assert_eq!(names("State=closed&PageSize=1").await, (vec![json!("a"), json!("c"), json!("e")], 3));
    assert_eq!(names("State=inactive").await.0, ["d"]);
    assert_eq!(names("State=active").await.0, ["tenant a/support", "b"]);
    assert!(names("State=initializing").await.0.is_empty());
    world.simulator.set_conversation_state(CONVERSATION, ConversationState::Initializing).unwrap();
    assert_eq!(names("State=initializing").await.0, ["tenant a/support"]);
    assert_eq!(world.get("/v1/Conversations?State=paused").await.error(), (400, 20001));
}

#[tokio::test]
async fn conversations_are_listed_by_the_time_of_their_creation() {
    let world = World::start().await;
    for (name, date) in
        [("a", "2020-01-01T10:00:00Z"), ("b", "2020-01-02T10:00:00Z"), ("c", "2020-01-03T10:00:00Z")]
    {
        let made = world.post("/v1/Conversations", &[("UniqueName", name), ("DateCreated", date)]).await;
        assert_eq!(made.json["date_created"], date);
    }
    let names = async |query: &str| {
        walk(&world, &format!("/v1/Conversations?{query}"), "conversations", "unique_name").await.0
    };
    assert_eq!(names("StartDate=2020-01-02&EndDate=2020-01-03").await, ["b"]);
    assert_eq!(names("StartDate=2020-01-02&EndDate=2020-01-03T10:00:00Z&PageSize=1").await, ["b", "c"]);
    assert_eq!(names("EndDate=2020-01-02T10:00:00Z").await, ["a", "b"]);
    assert_eq!(names("StartDate=2020-01-03T10:00:01Z").await, ["tenant a/support"]);
    assert_eq!(world.get("/v1/Conversations?StartDate=soon").await.error(), (400, 20001));
}

#[tokio::test]
async fn messages_are_listed_either_way() {
    let world = World::start().await;
    for body in ["zero", "one", "two"] {
        world.post(&messages(CONVERSATION), &[("Body", body)]).await;
    }
    let bodies = async |query: &str| {
        walk(&world, &format!("{}?{query}", messages(CONVERSATION)), "messages", "body").await
    };
    assert_eq!(bodies("Order=asc").await.0, ["zero", "one", "two"]);
    assert_eq!(bodies("Order=desc&PageSize=2").await, (vec![json!("two"), json!("one"), json!("zero")], 2));
}

#[tokio::test]
async fn a_page_leads_back_to_the_one_before() {
    let world = World::start().await;
    for body in ["zero", "one", "two", "three"] {
        world.post(&messages(CONVERSATION), &[("Body", body)]).await;
    }
    for (order, first, second) in
        [("asc", ["zero", "one"], ["two", "three"]), ("desc", ["three", "two"], ["one", "zero"])]
    {
        let page = world.get(&format!("{}?Order={order}&PageSize=2", messages(CONVERSATION))).await;
        assert_eq!(
            (page.column("messages", "body"), &page.json["meta"]["previous_page_url"]),
            (first.map(Value::from).to_vec(), &Value::Null)
        );
        let follow = async |page: &Reply, link: &str| {
            let url = page.json["meta"][link].as_str().unwrap();
            Reply::to(world.client.get(url).basic_auth(ACCOUNT, Some(TOKEN))).await
        };
        let next = follow(&page, "next_page_url").await;
        assert_eq!(next.column("messages", "body"), second);
        assert_eq!(follow(&next, "previous_page_url").await.column("messages", "body"), first);
        assert_eq!(follow(&next, "url").await.json, next.json);
        assert_eq!(follow(&next, "first_page_url").await.column("messages", "body"), first);
    }
}
