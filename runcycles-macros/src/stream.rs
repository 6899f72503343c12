//! Streams in return types.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, GenericArgument, Path, PathArguments, Token, Type, TypeParamBound};

use crate::validate::{Options, Setting};

/// A stream as a return type has it.
pub(crate) struct StreamType {
    /// What its items are.
    pub(crate) item: Type,
    pub(crate) form: Form,
}

/// How the caller gets a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `impl Stream<Item = …>`
    Opaque,
    /// `Pin<Box<dyn Stream<Item = …>>>` or `BoxStream<'_, …>`
    Pinned,
    /// `Box<dyn Stream<Item = …> + Unpin>`
    Boxed,
}

impl StreamType {
    /// The stream that a type is.
    pub(crate) fn find(ty: &Type) -> Option<Self> {
        match ty {
            Type::ImplTrait(ty) => Some(Self { item: item(&ty.bounds)?, form: Form::Opaque }),
            Type::Paren(ty) => Self::find(&ty.elem),
            Type::Group(ty) => Self::find(&ty.elem),
            Type::Path(ty) => {
                let name = ty.path.segments.last()?.ident.to_string();
                let inner = types(&ty.path);
                match (name.as_str(), inner.as_slice()) {
                    ("BoxStream" | "LocalBoxStream", [.., item]) => {
                        Some(Self { item: item.clone(), form: Form::Pinned })
                    }
                    ("Pin", [inner]) => Self::find(inner).map(|stream| Self { form: Form::Pinned, ..stream }),
                    ("Box", [Type::TraitObject(object)]) => {
                        Some(Self { item: item(&object.bounds)?, form: Form::Boxed })
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The stream in `Result<stream, E>`.
    pub(crate) fn find_in_result(ty: &Type) -> Option<Self> {
        let Type::Path(ty) = ty else { return None };
        let is_result = ty.path.segments.last().is_some_and(|segment| segment.ident == "Result");
        is_result.then(|| types(&ty.path)).and_then(|types| Self::find(types.first()?))
    }

    /// What arguments a function cannot have that gives a stream, or lacks.
    pub(crate) fn mistake(options: &Options) -> Option<Error> {
        let Options { actual, metrics, metadata, fallback, in_units, settings, .. } = options;
        let after = [("metrics", metrics), ("metadata", metadata), ("fallback", fallback)];
        if let Some((key, value)) = after.into_iter().find_map(|(key, value)| Some((key, value.as_ref()?))) {
            let message = format!(
                "found `{key}` on a function that gives a stream; tell it inside the stream by `runcycles::context()`, or answer a denial where the stream is read"
            );
            return Some(Error::new_spanned(value, message));
        }
        let idle = |setting: &&Setting| matches!(setting.method, "on_unsettled" | "heartbeat" | "lease");
        if let Some(Setting { method, value, .. }) = settings.iter().find(idle) {
            let message =
                format!("found `{method}` on a function that gives a stream, where it has no effect; leave it out");
            return Some(Error::new_spanned(value, message));
        }
        if *in_units {
            let message =
                "found an estimate in several units on a function that gives a stream; a stream is counted in one";
            return Some(Error::new(Span::call_site(), message));
        }
        if actual.is_none() {
            let message = "`actual` is missing; a stream is counted item by item as it flows: write `actual = |item| …` with what an item costs";
            return Some(Error::new(Span::call_site(), message));
        }
        None
    }

    /// What the caller gets of a stream, shown at the return type.
    pub(crate) fn given(&self, stream: &TokenStream, at: Span) -> TokenStream {
        match self.form {
            Form::Opaque => stream.clone(),
            Form::Pinned => quote_spanned!(at=> ::std::boxed::Box::pin(#stream)),
            Form::Boxed => quote_spanned!(at=> ::std::boxed::Box::new(#stream)),
        }
    }
}

/// A closure that outlives the function.
pub(crate) fn owning(closure: &Expr) -> Expr {
    let mut closure = closure.clone();
    if let Expr::Closure(closure) = &mut closure {
        let at = Span::mixed_site().located_at(closure.inputs.span());
        closure.capture.get_or_insert_with(|| Token![move](at));
    }
    closure
}

/// `T` in `Stream<Item = T>`, among bounds.
fn item(bounds: &Punctuated<TypeParamBound, Token![+]>) -> Option<Type> {
    bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let last = bound.path.segments.last()?;
        if last.ident != "Stream" {
            return None;
        }
        let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(item) if item.ident == "Item" => Some(item.ty.clone()),
            _ => None,
        })
    })
}

/// The types among a path's last arguments.
fn types(path: &Path) -> Vec<Type> {
    let Some(PathArguments::AngleBracketed(arguments)) = path.segments.last().map(|last| &last.arguments) else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    types.collect()
}
