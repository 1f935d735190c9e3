//! Every operation of the simulator is one of Twilio's, under Twilio's name, method and path.

use std::collections::BTreeSet;

use http::Method;

use super::route::Route;
use crate::facts::facts;
use crate::operation::Operation;

/// Twilio's operations that an [`Operation`] names and the simulator does not serve yet.
const NOT_SERVED: [&str; 1] = ["FetchServiceConfiguration"];

/// All operations: serde knows their names, and lists them when it is given another.
fn all() -> Vec<Operation> {
    let error = serde_json::from_str::<Operation>("\"another\"").unwrap_err().to_string();
    let names = error.split('`').skip(1).step_by(2).filter(|name| *name != "another");
    names.map(|name| serde_json::from_value(name.into()).unwrap()).collect()
}

/// A path of the template. The contract has no pattern for some parameters, so each gets what fits all.
fn filled(template: &str) -> String {
    let segment = |segment: &str| match segment {
        "{ChatServiceSid}" => format!("IS{:032x}", 1),
        named if named.starts_with('{') => format!("CH{:032x}", 1),
        literal => literal.to_owned(),
    };
    template.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[test]
fn every_operation_is_one_of_twilios_at_its_path() {
    assert!(all().len() >= 10, "{:?}", all());
    for operation in all() {
        for id in [false, true].map(|in_service| operation.twilio_id(in_service)) {
            let contract = facts().operation(id).unwrap_or_else(|| panic!("Twilio has no operation {id}"));
            let method: Method = contract.method.parse().unwrap();
            let route = Route::parse(&method, &filled(&contract.path));
            if NOT_SERVED.contains(&id) {
                assert!(route.is_err(), "{id} is served now");
                continue;
            }
            let route = route.unwrap_or_else(|error| panic!("{id} at {method} {}: {error}", contract.path));
            assert_eq!(route.action.operation(), operation, "{id} at {method} {}", contract.path);
            assert_eq!(operation.twilio_id(route.service.is_some()), id);
        }
    }
}

#[test]
fn what_is_served_has_twilios_name_and_there_is_nothing_else_at_its_path() {
    let mut served = BTreeSet::new();
    for (id, contract) in facts().operations() {
        let method: Method = contract.method.parse().unwrap();
        if let Ok(route) = Route::parse(&method, &filled(&contract.path)) {
            let operation = route.action.operation();
            assert_eq!(operation.twilio_id(route.service.is_some()), id);
            assert_eq!(operation.is_write(), method != Method::GET, "{id}");
            served.insert(operation);
        }
    }
    assert_eq!(served, all().into_iter().collect());
}
