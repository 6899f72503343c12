//! The names that a function gives to what its caller hands it.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, FnArg, Pat, PatIdent, Signature};

/// The names of a function's parameters.
pub(crate) struct Parameters(Vec<Ident>);

impl Parameters {
    /// The names in a signature, and in further patterns.
    pub(crate) fn new<'a>(signature: &Signature, patterns: impl IntoIterator<Item = &'a Pat>) -> Self {
        let mut names = Names(Vec::new());
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(receiver) => names.0.push(receiver.self_token.into()),
                FnArg::Typed(input) => names.visit_pat_mut(&mut input.pat.clone()),
            }
        }
        for pattern in patterns {
            names.visit_pat_mut(&mut pattern.clone());
        }
        Self(names.0)
    }

    /// Whether an expression names one of them.
    pub(crate) fn are_in(&self, expr: &Expr) -> bool {
        let tokens = expr.to_token_stream();
        self.0.iter().any(|name| find(&name.to_string(), tokens.clone()).is_some())
    }
}

/// The first place where a name stands in an expression, macros and their format strings included.
pub(crate) fn find(name: &str, tokens: TokenStream) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == name => Some(ident),
        TokenTree::Group(group) => find(name, group.stream()),
        TokenTree::Literal(text) if names_in_format(&text.to_string()).any(|found| found == name) => {
            Some(Ident::new(name, text.span()))
        }
        _ => None,
    })
}

/// What may be names between the braces of a format string.
fn names_in_format(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
}

/// Collects what patterns bind.
struct Names(Vec<Ident>);

impl VisitMut for Names {
    fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
        self.0.push(pat.ident.clone());
        visit_mut::visit_pat_ident_mut(self, pat);
    }
}

/// Gives `self` another name in an expression, macros included.
pub(crate) fn rename_self(expr: &mut Expr, name: &Ident) {
    if let Ok(renamed) = syn::parse2(replace_self(expr.to_token_stream(), name)) {
        *expr = renamed;
    }
}

fn replace_self(tokens: TokenStream, name: &Ident) -> TokenStream {
    let replace = |token| match token {
        TokenTree::Ident(ident) if ident == "self" => TokenTree::Ident(name.clone()),
        TokenTree::Group(group) => {
            let mut replaced = Group::new(group.delimiter(), replace_self(group.stream(), name));
            replaced.set_span(group.span());
            TokenTree::Group(replaced)
        }
        other => other,
    };
    tokens.into_iter().map(replace).collect()
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_name_is_found_in_macros_and_format_strings() {
        for (text, found) in [
            ("prompt.len()", true),
            ("vec![1, f(prompt)]", true),
            ("format!(\"to {prompt}\")", true),
            ("format!(\"to {prompt:?} and {other}\")", true),
            ("format!(\"to {} prompt\", other)", false),
            ("prompts.len()", false),
        ] {
            assert_eq!(find("prompt", text.parse().expect("tokens")).is_some(), found, "{text}");
        }
    }
}
