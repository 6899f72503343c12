//! The function under the attribute, with its body left as it was written.

use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Error, ReturnType, Safety, Signature, Token, Type, TypeInfer, Visibility, token};

use crate::body::Body;

/// A function whose body is not read, so that completion works in one that is being written.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// The return type.
    pub(crate) result: Type,
    pub(crate) inner_attributes: Vec<Attribute>,
    pub(crate) body: Body,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        if !starts_function(input) {
            return Err(input.error("#[cycles] guards a function; move it to the `async fn` that acts"));
        }
        let signature: Signature = input.parse()?;
        if input.peek(Token![;]) {
            let message =
                format!("`{}` has no body to guard; move #[cycles] to the function in each `impl`", signature.ident);
            return Err(Error::new(signature.ident.span(), message));
        }
        let result = match &signature.output {
            ReturnType::Default => syn::parse_quote!(()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        let content;
        let brace: token::Brace = syn::braced!(content in input);
        Ok(Self {
            attributes,
            visibility,
            signature,
            result,
            inner_attributes: content.call(Attribute::parse_inner)?,
            body: Body { capture: None, braces: brace.span.join(), statements: content.parse()? },
        })
    }
}

/// Whether a function's qualifiers or `fn` come next.
fn starts_function(input: ParseStream<'_>) -> bool {
    let qualified = (input.peek(Token![const]) || input.peek(Token![unsafe]) || input.peek(Token![extern]))
        && input.fork().parse::<Signature>().is_ok();
    qualified || input.peek(Token![async]) || input.peek(Token![fn])
}

impl Function {
    /// What keeps this function from being guarded, if anything does. One that returns a future or a stream need not be `async`.
    pub(crate) fn mistake(&self, returns_future: bool) -> Option<Error> {
        let again =
            |attribute: &&Attribute| attribute.path().segments.last().is_some_and(|segment| segment.ident == "cycles");
        if let Some(attribute) = self.attributes.iter().find(again) {
            let message = "a function is guarded once; keep one #[cycles]";
            return Some(Error::new_spanned(attribute, message));
        }
        let Signature { constness, safety, abi, ident, output, .. } = &self.signature;
        if let Some(token) = constness {
            let message = "found a `const fn`; a guarded call asks an authority while it runs: remove `const`";
            return Some(Error::new_spanned(token, message));
        }
        if let Safety::Unsafe(token) = safety {
            let message = "found an `unsafe fn`; the attribute does not vouch for a contract it cannot see: guard a safe `async fn` that calls it";
            return Some(Error::new_spanned(token, message));
        }
        if let Some(abi) = abi {
            let message = "found an `extern` function; its callers cannot await a guarded call: guard an `async fn` of Rust's own ABI";
            return Some(Error::new_spanned(abi, message));
        }
        if returns_future {
            return None;
        }
        if self.signature.asyncness.is_none() && !cfg!(feature = "blocking") {
            let message = format!(
                "found a plain `fn`; #[cycles] guards async functions: write `async fn {ident}`, or enable the feature `blocking` of runcycles, or put #[cycles] above the attribute that rewrites it, such as #[tokio::main]"
            );
            return Some(Error::new_spanned(self.signature.fn_token, message));
        }
        match output {
            ReturnType::Default => {
                let message = format!(
                    "`{ident}` returns nothing, so it could not tell of a denial; write `-> Result<(), E>` where `E: From<runcycles::Error>`"
                );
                Some(Error::new(ident.span(), message))
            }
            ReturnType::Type(_, ty) => match &**ty {
                Type::Never(_) | Type::ImplTrait(_) => {
                    let message =
                        "expected `Result<T, E>` where `E: From<runcycles::Error>`, which a denial is returned in";
                    Some(Error::new_spanned(ty, message))
                }
                _ => None,
            },
        }
    }
}

/// A type as it can be written in a body, where the compiler finds what each `impl Trait` stands for; and whether it has any.
pub(crate) fn nameable(ty: &Type) -> (Type, bool) {
    struct Erase(bool);
    impl VisitMut for Erase {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(opaque) = ty {
                let underscore = Token![_](opaque.span());
                *ty = Type::Infer(TypeInfer { attrs: Vec::new(), underscore_token: underscore });
                self.0 = true;
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let (mut ty, mut erase) = (ty.clone(), Erase(false));
    erase.visit_type_mut(&mut ty);
    (ty, erase.0)
}
