//! The argument `actual`: what an action really cost.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{Error, Expr};

use crate::estimate;
use crate::literal::bare;

/// The closure that an `actual` stands for: a closure or a function as it is, or an expression over `output`.
pub(crate) fn closure(expr: &Expr) -> Result<TokenStream, Error> {
    match bare(expr) {
        Expr::Closure(closure) => {
            if closure.inputs.len() != 1 {
                let message = format!(
                    "found a closure with {} parameters; `actual` takes one, the value by reference: write `|value| …`",
                    closure.inputs.len()
                );
                return Err(Error::new_spanned(closure, message));
            }
            let mut closure = closure.clone();
            closure.body = Box::new(estimate::typed(&closure.body));
            Ok(closure.into_token_stream())
        }
        other => {
            let body = estimate::typed(other);
            Ok(match (find_output(other.to_token_stream()), other) {
                (Some(output), _) => quote!(|#output| #body),
                (None, Expr::Path(path)) => path.into_token_stream(),
                (None, _) => quote!(|_| #body),
            })
        }
    }
}

/// The name `output` as it stands in the expression, macros included, so that the closure's parameter is the same name.
fn find_output(tokens: TokenStream) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "output" => Some(ident),
        TokenTree::Group(group) => find_output(group.stream()),
        _ => None,
    })
}
