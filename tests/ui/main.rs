//! The attribute as its users meet it: every file in `pass` compiles, every file in `fail` is one mistake and one error.

#[test]
fn the_attribute_guards_every_shape_of_function_and_explains_every_mistake() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
