//! Scopes and subjects: what they may hold, and how they are filled.

use runcycles::Scope;
use runcycles::models::{Level, Subject};

#[test]
fn a_scope_starts_at_any_level_and_shows_outermost_first() {
    for (scope, shown) in [
        (Scope::tenant("t"), "tenant:t"),
        (Scope::workspace("t"), "workspace:t"),
        (Scope::app("t"), "app:t"),
        (Scope::workflow("t"), "workflow:t"),
        (Scope::agent("t"), "agent:t"),
        (Scope::toolset("t"), "toolset:t"),
        (
            Scope::toolset("s").agent("a").workflow("f").app("p").workspace("w").tenant("t"),
            "tenant:t/workspace:w/app:p/workflow:f/agent:a/toolset:s",
        ),
        (Scope::agent("first").agent("last"), "agent:last"),
    ] {
        assert_eq!(scope.to_string(), shown);
        assert!(scope.validate().is_ok());
    }
}

#[test]
fn a_bad_value_is_refused_by_its_level_and_its_value() {
    let longest = "x".repeat(128);
    assert!(Scope::tenant(&longest).agent("A-Za-z0-9_.-").validate().is_ok());
    for (value, found) in [
        ("", "0 characters"),
        (format!("{longest}x").as_str(), "129 characters"),
        ("jane@acme.com", "\"jane@acme.com\", which contains '@'"),
        ("a/b", "\"a/b\", which contains '/'"),
        ("a:b", "\"a:b\", which contains ':'"),
        ("a b", "\"a b\", which contains ' '"),
        ("a\nb", r#""a\nb", which contains '\n'"#),
        ("é", "\"é\", which contains 'é'"),
        ("\u{0}", r#""\0", which contains '\0'"#),
    ] {
        for level in Level::ALL {
            let mut subject = Subject::default();
            *subject.level_mut(level) = Some(value.to_owned());
            let error = subject.validate().unwrap_err();
            assert_eq!((error.field(), error.found()), (format!("subject.{level}").as_str(), found));
            assert_eq!(error.expected(), "1 to 128 characters out of A-Z a-z 0-9 _ . -");
        }
    }
}

#[test]
fn a_subject_needs_a_level_and_dimensions_are_none() {
    for empty in [Subject::default(), Subject::default().dimension("run", "r-1")] {
        let error = empty.validate().unwrap_err();
        assert_eq!((error.field(), error.found()), ("subject", "no level"));
        assert!(error.expected().contains("give the call a scope, or the client a tenant"));
    }
}

#[test]
fn dimensions_are_limited_in_number_and_length() {
    let with = |count: usize| (0..count).fold(Scope::tenant("t"), |scope, n| scope.dimension(format!("d{n}"), "v"));
    assert!(with(16).validate().is_ok());
    assert_eq!(with(17).validate().unwrap_err().found(), "17 dimensions");

    let long = |chars: usize| Scope::tenant("t").dimension("note", "ü".repeat(chars)).validate();
    assert!(long(256).is_ok());
    let error = long(257).unwrap_err();
    assert_eq!((error.field(), error.found()), ("subject.dimensions.note", "257 characters"));
}

#[test]
fn what_a_subject_leaves_out_is_filled_and_what_it_has_stays() {
    let call = Scope::agent("call").dimension("run", "call");
    let outer =
        Scope::tenant("outer").agent("outer").toolset("outer").dimension("run", "outer").dimension("team", "outer");
    let filled = call.or(&outer);
    let expected =
        Scope::tenant("outer").agent("call").toolset("outer").dimension("run", "call").dimension("team", "outer");
    assert_eq!(filled, expected);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_has_a_value_of_its_own_for_a_level(text in "\\PC{1,30}|[a-zA-Z_.|@-]{1,40}", other in "[a-zA-Z_.|@-]{1,5}") {
        let value = Scope::encode(&text);
        proptest::prop_assert_eq!(Scope::decode(&value), Some(text.clone()));
        proptest::prop_assert_eq!(value.to_lowercase(), value.clone(), "servers may compare without regard to case");
        if value.len() <= 128 {
            proptest::prop_assert!(Scope::agent(value.clone()).validate().is_ok());
        }
        proptest::prop_assert_eq!(Scope::encode(&other) == value, other == text);
    }
}
