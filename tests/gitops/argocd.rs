//! Argo CD's health check, run as Argo CD runs it: Lua 5.1, the object as `obj`, a table back.

use mlua::prelude::LuaSerializeOptions;
use mlua::{Lua, LuaOptions, LuaSerdeExt, StdLib, Table};
use serde_json::Value;

const HEALTH: &str = include_str!("../../gitops/argocd/health.lua");
const CONFIG_MAP: &str = include_str!("../../gitops/argocd/argocd-cm.yaml");
const KEY: &str = "resource.customizations.health.conversations.twilio-operator.dev_ConversationWebhook";

/// What Argo CD shows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) status: String,
    pub(crate) message: String,
}

/// The health of an object, by this check.
fn health_by(check: &str, object: &Value) -> mlua::Result<Health> {
    // Argo CD gives a check no library for strings.
    let lua = Lua::new_with(StdLib::TABLE, LuaOptions::default())?;
    let absent = LuaSerializeOptions::new().serialize_none_to_null(false).serialize_unit_to_null(false);
    lua.globals().set("obj", lua.to_value_with(object, absent.set_array_metatable(false))?)?;
    let answer: Table = lua.load(check).eval()?;
    Ok(Health { status: answer.get("status")?, message: answer.get("message")? })
}

/// The health of an object.
pub(crate) fn health(object: &Value) -> Health {
    health_by(HEALTH, object).unwrap()
}

#[test]
fn the_config_map_holds_the_check() {
    let config_map: Value = serde_saphyr::from_str(CONFIG_MAP).unwrap();
    assert_eq!(config_map["data"][KEY].as_str(), Some(HEALTH));
    assert_eq!(config_map["data"].as_object().unwrap().len(), 1, "nothing else of Argo CD's is set");
}

#[test]
fn a_check_that_takes_more_than_argo_cd_gives_would_be_found() {
    let object = serde_json::json!({ "status": { "phase": "done" } });
    let more = "return { status = string.upper(obj.status.phase), message = '' }";
    assert!(health_by(more, &object).is_err());
    let newer = "local n <const> = 1 return { status = obj.status.phase, message = '' }";
    assert!(health_by(newer, &object).is_err(), "not Lua 5.1");
    let fitting = "return { status = obj.status.phase, message = '' }";
    assert_eq!(health_by(fitting, &object).unwrap().status, "done");
}
