//! Flux's health check: three expressions in CEL, over the fields of the object.

use std::collections::HashMap;

use cel::{Context, Program, Value as Cel};
use serde_json::Value;

const KUSTOMIZATION: &str = include_str!("../../gitops/flux/kustomization.yaml");

/// What Flux calls an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Current,
    Failed,
    InProgress,
}

/// The check of the kind.
#[derive(Debug)]
pub(crate) struct Check {
    expressions: Vec<(Verdict, Program)>,
}

impl Check {
    pub(crate) fn read() -> Self {
        let kustomization: Value = serde_saphyr::from_str(KUSTOMIZATION).unwrap();
        let [check] = &kustomization["spec"]["healthCheckExprs"].as_array().unwrap()[..] else {
            panic!("not one check in: {kustomization}")
        };
        assert_eq!(check["apiVersion"], "conversations.twilio-operator.dev/v1alpha1");
        assert_eq!(check["kind"], "ConversationWebhook");
        let names =
            [("inProgress", Verdict::InProgress), ("failed", Verdict::Failed), ("current", Verdict::Current)];
        let expressions = names
            .map(|(name, verdict)| (verdict, Program::compile(check[name].as_str().unwrap()).unwrap()))
            .into();
        Self { expressions }
    }

    /// The verdicts whose expressions are true: it should be one, so that the order in which they are asked is all the same.
    pub(crate) fn verdicts(&self, object: &Value) -> Vec<Verdict> {
        let mut context = Context::default();
        for (name, value) in object.as_object().unwrap() {
            context.add_variable_from_value(name.as_str(), cel(value));
        }
        let is_true = |program: &Program| match program.execute(&context) {
            Ok(Cel::Bool(answer)) => answer,
            // A field that is not there: Flux would wait until its timeout.
            other => panic!("not true and not false: {other:?}"),
        };
        self.expressions.iter().filter(|(_, program)| is_true(program)).map(|(verdict, _)| *verdict).collect()
    }
}

/// Numbers are signed, as in what Kubernetes' own client makes of JSON.
fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => Cel::Int(number.as_i64().unwrap()),
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => values.iter().map(cel).collect::<Vec<_>>().into(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), cel(value))).collect::<HashMap<_, _>>().into()
        }
    }
}
