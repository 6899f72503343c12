//! The canonical form, which no public name shows by itself.

use proptest::prelude::*;

use super::tree::Tree;

fn canonical(document: &str) -> String {
    Tree::parse(document.as_bytes()).unwrap().canonical()
}

#[test]
fn numbers_are_written_as_ecmascript_writes_them() {
    let samples: [(u64, &str); 21] = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];
    for (bits, expected) in samples {
        assert_eq!(Tree::Number(f64::from_bits(bits)).canonical(), expected, "{bits:016x}");
    }
}

#[test]
fn amounts_are_doubles_in_what_is_signed() {
    assert_eq!(canonical("9223372036854775807"), "9223372036854776000");
    assert_eq!(canonical("9007199254740993"), "9007199254740992");
    assert_eq!(canonical("[1.0, -0, -0.0, 1e21, 1E2, 0.42, 100]"), "[1,0,0,1e+21,100,0.42,100]");
}

#[test]
fn members_are_in_the_order_of_utf_16() {
    let shuffled = "{\"\u{fb33}\":1,\"\u{1f600}\":2,\"\u{80}\":3,\"\u{20ac}\":4,\"\\r\":5,\"1\":6,\"\u{f6}\":7}";
    let sorted = "{\"\\r\":5,\"1\":6,\"\u{80}\":3,\"\u{f6}\":7,\"\u{20ac}\":4,\"\u{1f600}\":2,\"\u{fb33}\":1}";
    assert_eq!(canonical(shuffled), sorted);
}

#[test]
fn texts_have_the_fewest_escapes() {
    let text = r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\b\f\t\u007f""#;
    assert_eq!(canonical(text), "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\f\\t\u{7f}\"");
}

#[test]
fn a_document_with_two_meanings_is_refused() {
    let deep = format!("{}1{}", "[".repeat(32), "]".repeat(32));
    for document in [
        r#"{"a":1,"a":1}"#,
        r#"{"b":{"a":1,"\u0061":2}}"#,
        "1e400",
        r#""\ud800""#,
        "{\"a\":\"\u{1}\"}",
        "[1] 2",
        "[1,]",
        "01",
        "+1",
        "NaN",
        "",
        &deep,
    ] {
        assert!(Tree::parse(document.as_bytes()).is_err(), "{document}");
    }
    assert!(Tree::parse(b"\"\xff\"").is_err());
    assert!(Tree::parse(&deep.as_bytes()[1..deep.len() - 1]).is_ok());
}

proptest! {
    #[test]
    fn the_canonical_form_is_read_back_as_what_it_was_made_of(numbers: Vec<f64>, text: String, name: String) {
        let numbers = numbers.into_iter().filter(|number| number.is_finite()).map(Tree::Number).collect();
        let tree = Tree::Object(vec![(name, Tree::List(numbers)), ("\u{1f600}text".to_owned(), Tree::Text(text))]);
        let form = tree.canonical();
        let read = Tree::parse(form.as_bytes()).unwrap();
        prop_assert_eq!(read.canonical(), form);
    }
}
