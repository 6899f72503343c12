//! Arguments about what the action gave: `actual`, `metrics` and `metadata`.

use proc_macro2::{Ident, Span};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprClosure, Pat, parse_quote};

use crate::literal::bare;
use crate::names;

/// The closure that such an argument stands for: a closure or a function as it is, or an expression over `output`.
pub(crate) fn over_output(key: &str, expr: &Expr) -> Result<Expr, Error> {
    match bare(expr) {
        Expr::Closure(closure) if closure.inputs.len() != 1 => {
            let found = closure.inputs.len();
            let message = format!(
                "found a closure with {found} parameters; `{key}` takes one, the value by reference: write `|value| …`"
            );
            Err(Error::new_spanned(closure, message))
        }
        Expr::Closure(closure) => Ok(Expr::Closure(closure.clone())),
        other => Ok(match (names::find("output", other.to_token_stream()), other) {
            (None, Expr::Path(function)) => Expr::Path(function.clone()),
            (output, body) => {
                let parameter = output.map_or_else(|| quote!(_), Ident::into_token_stream);
                let parameter = quote_spanned!(body.span()=> |#parameter|);
                parse_quote!(#parameter #body)
            }
        }),
    }
}

/// The same closure over the value and with a result of one type, whatever is wrong with it: a mistake stays inside and is told
/// once, and not again wherever the closure goes. `convert` makes the result of the closure's.
pub(crate) fn contained(closure: &Expr, convert: impl Fn(&Expr) -> Expr) -> Expr {
    match closure {
        Expr::Closure(closure) => {
            let ExprClosure { capture, inputs, body, .. } = closure;
            let value = Ident::new("value", Span::mixed_site().located_at(inputs.span()));
            let body = convert(body);
            match inputs.first() {
                Some(Pat::Type(typed)) => parse_quote!(#capture |#value| { let #typed = #value; #body }),
                parameter => parse_quote!(#capture |#parameter| #body),
            }
        }
        function => {
            let value = Ident::new("value", Span::mixed_site().located_at(function.span()));
            let call = convert(&parse_quote!(#function(#value)));
            parse_quote!(|#value| #call)
        }
    }
}
