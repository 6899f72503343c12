//! Bare numbers where an amount is expected.

use syn::{BinOp, Block, Error, Expr, ExprLit, Lit, LitInt, Stmt};

use crate::limits;
use crate::literal::bare;

/// The expression with its integer literals typed as `u64`, where nothing else gives them a type.
///
/// Any integer is an amount, so the compiler would fall back to `i32`, in which $50 of microcents does not fit.
pub(crate) fn typed(expr: &Expr) -> Expr {
    let mut typed = expr.clone();
    if type_literals(&mut typed) { typed } else { expr.clone() }
}

/// The amounts of an estimate: those of a tuple, or one.
pub(crate) fn units(value: &Expr) -> Result<Vec<Expr>, Error> {
    let Expr::Tuple(tuple) = bare(value) else {
        limits::amount(value)?;
        return Ok(vec![typed(value)]);
    };
    let found = tuple.elems.len();
    if !(2..=4).contains(&found) {
        let message =
            format!("found {found} amounts; an estimate is one amount, or a tuple of two to four in different units");
        return Err(Error::new_spanned(value, message));
    }
    let amounts = tuple.elems.iter().map(|amount| limits::amount(amount).map(|()| typed(amount)));
    amounts.collect()
}

/// The same for what a closure gives.
pub(crate) fn typed_result(expr: &Expr) -> Expr {
    match bare(expr) {
        Expr::Closure(closure) => {
            let mut closure = closure.clone();
            closure.body = Box::new(typed(&closure.body));
            Expr::Closure(closure)
        }
        other => typed(other),
    }
}

/// Types the literals that the expression's value is made of; `false` where something else gives the value a type.
fn type_literals(expr: &mut Expr) -> bool {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Int(digits), .. }) if digits.suffix().is_empty() => {
            *digits = LitInt::new(&format!("{digits}u64"), digits.span());
            true
        }
        Expr::Paren(paren) => type_literals(&mut paren.expr),
        Expr::Group(group) => type_literals(&mut group.expr),
        Expr::Binary(binary) => {
            let arithmetic =
                matches!(binary.op, BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_) | BinOp::Rem(_));
            arithmetic && type_literals(&mut binary.left) && type_literals(&mut binary.right)
        }
        Expr::Block(block) if block.label.is_none() => type_tail(&mut block.block),
        Expr::If(choice) => {
            let otherwise = choice.else_branch.as_mut().is_some_and(|(_, otherwise)| type_literals(otherwise));
            otherwise && type_tail(&mut choice.then_branch)
        }
        Expr::Match(choice) => choice.arms.iter_mut().all(|arm| type_literals(&mut arm.body)),
        _ => false,
    }
}

/// Types the literals that the block's value is made of.
fn type_tail(block: &mut Block) -> bool {
    match block.stmts.last_mut() {
        Some(Stmt::Expr(value, None)) => type_literals(value),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens as _;
    use syn::{Expr, parse_str};

    use super::typed;

    /// The tokens of an expression, and those of the expression once typed.
    fn before_and_after(text: &str, expected: &str) -> (String, String) {
        let typed = typed(&parse_str::<Expr>(text).expect("an expression"));
        let expected: Expr = parse_str(expected).expect("an expression");
        (typed.to_token_stream().to_string(), expected.to_token_stream().to_string())
    }

    #[test]
    fn literals_that_are_the_value_get_a_type_that_holds_money() {
        for (text, expected) in [
            ("5_000_000_000", "5_000_000_000u64"),
            ("(2 * 3) + 1", "(2u64 * 3u64) + 1u64"),
            ("if cheap { 1 } else { 2 }", "if cheap { 1u64 } else { 2u64 }"),
            ("match tier { 1 => 10, _ => 20 }", "match tier { 1 => 10u64, _ => 20u64 }"),
        ] {
            let (typed, expected) = before_and_after(text, expected);
            assert_eq!(typed, expected);
        }
    }

    #[test]
    fn literals_beside_a_typed_value_follow_it() {
        for text in ["10 * tokens", "price(10)", "5u32", "if cheap { 1 } else { price }", "usd!(5)"] {
            let (typed, written) = before_and_after(text, text);
            assert_eq!(typed, written);
        }
    }
}
