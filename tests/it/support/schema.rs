//! Checks a type against the schema of the object it stands for.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// A JSON object in the order it is written in.
type Object = Map<String, Value>;

/// Checks how a type reads and writes its object. `example` has every member the specification gives it, and `required`
/// names those that must be there.
pub(crate) fn check<T: DeserializeOwned + Serialize + PartialEq + Debug>(example: &Value, required: &[&str]) {
    let example = example.as_object().expect("an example is an object");
    let minimal: Object = example.iter().filter(|(name, _)| required.contains(&name.as_str())).map(own).collect();
    assert_eq!(minimal.len(), required.len(), "the example lacks required members");

    keeps_what_it_reads::<T>(example);
    keeps_what_it_reads::<T>(&minimal);
    keeps_unknown_members::<T>(&minimal);
    for name in required {
        refuses::<T>(&without(&minimal, name), &format!("missing field `{name}`"));
        refuses::<T>(&with(&minimal, name, Value::Null), "invalid type: null");
    }
    for (name, _) in example.iter().filter(|(name, _)| !required.contains(&name.as_str())) {
        let null = read::<T>(&with(&minimal, name, Value::Null)).expect("a null in place of an optional member");
        assert_eq!(null, read::<T>(&minimal).expect("the minimal object"), "{name} is null");
    }
    for (name, value) in example {
        for wrong in wrong_values(value) {
            refuses::<T>(&with(example, name, wrong), "");
        }
        refuses_duplicate::<T>(example, name);
    }
    for wrong in [json!([]), Value::Array(example.values().cloned().collect()), json!("text"), json!(1), Value::Null] {
        assert!(serde_json::from_value::<T>(wrong.clone()).is_err(), "{wrong} in place of the object");
    }
}

fn keeps_what_it_reads<T: DeserializeOwned + Serialize + Debug>(object: &Object) {
    let value = read::<T>(object).unwrap_or_else(|error| panic!("{object:?}: {error}"));
    assert_eq!(serde_json::to_value(&value).expect("what was read can be written"), Value::Object(object.clone()));
}

fn keeps_unknown_members<T: DeserializeOwned + Serialize + Debug>(minimal: &Object) {
    let future = json!({ "nested": [1, null, { "deep": "value" }], "text": "…" });
    keeps_what_it_reads::<T>(&with(minimal, "member_of_a_newer_server", future));
    keeps_what_it_reads::<T>(&with(minimal, "null_of_a_newer_server", Value::Null));
}

fn refuses<T: DeserializeOwned + Debug>(object: &Object, because: &str) {
    match read::<T>(object) {
        Ok(value) => panic!("{object:?} was read as {value:?}"),
        Err(error) => assert!(error.to_string().contains(because), "{error}, expected {because}"),
    }
}

fn refuses_duplicate<T: DeserializeOwned + Debug>(example: &Object, name: &str) {
    let text = Value::Object(example.clone()).to_string();
    let twice = format!("{{{}:{},{}", json!(name), example[name], &text[1..]);
    let error = serde_json::from_str::<T>(&twice).expect_err(&twice).to_string();
    assert!(error.contains(&format!("duplicate field `{name}`")), "{error}");
}

/// Values of other types than the given one, or of the same type and out of range.
fn wrong_values(right: &Value) -> Vec<Value> {
    match right {
        Value::Object(members) => vec![json!(true), Value::Array(members.values().cloned().collect())],
        Value::Array(items) => {
            let odd_one_out = items.iter().cloned().chain([json!(true)]).collect();
            vec![json!({}), json!("text"), Value::Array(odd_one_out)]
        }
        Value::String(_) => vec![json!(1), json!({ right.as_str().unwrap_or_default(): null }), json!(["text"])],
        Value::Number(_) => vec![json!("1"), json!(-1), json!(1.5), json!([1])],
        Value::Bool(_) => vec![json!(1), json!("true")],
        Value::Null => Vec::new(),
    }
}

fn read<T: DeserializeOwned>(object: &Object) -> serde_json::Result<T> {
    // From text, as answers arrive.
    serde_json::from_str(&Value::Object(object.clone()).to_string())
}

fn with(object: &Object, name: &str, value: Value) -> Object {
    let mut object = object.clone();
    object.insert(name.to_owned(), value);
    object
}

fn without(object: &Object, name: &str) -> Object {
    object.iter().filter(|(member, _)| *member != name).map(own).collect()
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}
