//! Values written as literals, which are checked while the program is compiled.

use proc_macro2::Span;
use syn::{Expr, ExprLit, ExprUnary, Lit, LitInt, LitStr, UnOp};

/// A literal as it was written.
pub(crate) enum Literal<'a> {
    Text(&'a LitStr),
    Integer {
        digits: &'a LitInt,
        negative: bool,
    },
    /// A number with a fraction, a character, a boolean or bytes, by its name.
    Other(&'static str),
}

/// The literal that an expression is.
pub(crate) fn literal(expr: &Expr) -> Option<Literal<'_>> {
    match bare(expr) {
        Expr::Lit(ExprLit { lit, .. }) => Some(match lit {
            Lit::Str(text) => Literal::Text(text),
            Lit::Int(digits) => Literal::Integer { digits, negative: false },
            Lit::Float(_) => Literal::Other("a number with a fraction"),
            Lit::Char(_) => Literal::Other("a character"),
            Lit::Bool(_) => Literal::Other("a boolean"),
            _ => Literal::Other("bytes"),
        }),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match literal(expr)? {
            Literal::Integer { digits, negative } => Some(Literal::Integer { digits, negative: !negative }),
            other => Some(other),
        },
        _ => None,
    }
}

/// The expression inside parentheses and the invisible groups of macros.
pub(crate) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => bare(&paren.expr),
        Expr::Group(group) => bare(&group.expr),
        other => other,
    }
}

/// The place an expression is shown at.
pub(crate) fn span(expr: &Expr) -> Span {
    use syn::spanned::Spanned as _;
    expr.span()
}

/// Milliseconds of text such as `"30s"`, `"500ms"`, `"5m"` or `"1h"`.
pub(crate) fn millis(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn a_duration_is_a_whole_number_and_its_unit() {
        for (text, expected) in [("30s", 30_000), ("500ms", 500), ("5m", 300_000), ("24h", 86_400_000), ("0s", 0)] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_duration() {
        for text in
            ["", "30", "s", "1.5s", "-1s", "30 s", "1d", "30sec", "99999999999999999999s", "18446744073709551615h"]
        {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
