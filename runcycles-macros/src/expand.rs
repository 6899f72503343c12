//! From a function and its arguments to the guarded function.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprReference, Token, Type};

use crate::args::Arguments;
use crate::body::{Body, ReturnedFuture};
use crate::function::{self, Function};
use crate::literal::{Literal, literal, span};
use crate::validate::{Guard, Setting, combined};

/// The guarded function, or the function as it was beside what is wrong with the attribute.
pub(crate) fn cycles(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(mistake) => return beside(item, &mistake),
    };
    let returned = if function.signature.asyncness.is_none() { ReturnedFuture::find(&function) } else { None };
    let mistake = function.mistake(returned.is_some());
    match (Guard::new(Arguments::parse(arguments)), mistake) {
        (Ok(guard), None) => guarded(function, returned, &guard),
        (Ok(_), Some(mistake)) | (Err(mistake), None) => beside(item, &mistake),
        (Err(first), Some(second)) => beside(item, &combined(second, first)),
    }
}

/// The item as it is, so that only the mistake is told, and not everything that would miss the item.
fn beside(item: &TokenStream, mistake: &Error) -> TokenStream {
    let mistake = mistake.to_compile_error();
    quote!(#item #mistake)
}

/// The guarded function.
///
/// Input:
///
/// ```text
/// #[cycles(usd!(0.02), "llm.completion", agent = user, actual = |reply| reply.cost())]
/// async fn chat(user: &str) -> Result<Reply, AgentError> { body }
/// ```
///
/// Output:
///
/// ```text
/// async fn chat(user: &str) -> Result<Reply, AgentError> {
///     let mut call = CallBuilder::new(&"llm.completion", "chat", None, &usd!(0.02));
///     call.level(Level::Agent, &user);
///     let call = call.build();
///     let guard = guard::<Result<Reply, AgentError>>();
///     let body = pin!(async move {
///         if let Some(result) = guard.no_result() { return result; }
///         { body }
///     });
///     let result = guard.run_metered(call, body, |reply| reply.cost()).await;
///     result
/// }
/// ```
///
/// The body's future is pinned here and passed on by reference, so that it exists once, however many layers it passes.
///
/// There never is such a result; from its `return` the compiler and editors know what the body gives, as they know it of the
/// function as it was written.
fn guarded(function: Function, returned: Option<ReturnedFuture>, guard: &Guard) -> TokenStream {
    let evaluate = evaluate(guard, &function.signature.ident.to_string());
    let statements = if let Some(returned) = returned {
        let result = returned.output.clone();
        returned.guard(&evaluate, |body| run(guard, &result, body))
    } else {
        let body = Body { capture: Some(Token![move](located(function.body.braces))), ..function.body };
        let run = run(guard, &function.result, &body);
        quote!(#evaluate #run)
    };
    let Function { attributes, visibility, signature, inner_attributes, .. } = function;
    let body = braces(function.body.braces, quote!(#(#inner_attributes)* #statements));
    quote!(#(#attributes)* #visibility #signature #body)
}

/// The statements that evaluate the arguments, by reference, and make a call of them.
fn evaluate(guard: &Guard, function_name: &str) -> TokenStream {
    let call = Ident::new("call", Span::mixed_site());
    let kind = borrowed(&guard.action_kind);
    let name = match &guard.action_name {
        Some(name) => borrowed(name),
        None => function_name.to_token_stream(),
    };
    let unit = guard.unit.as_ref().map(borrowed);
    let unit =
        if unit.is_some() { quote!(::core::option::Option::Some(#unit)) } else { quote!(::core::option::Option::None) };
    let estimate = borrowed(&guard.estimate);
    let mutable = (!guard.settings.is_empty()).then(|| Token![mut](Span::mixed_site()));
    let settings = guard.settings.iter().map(|Setting { method, of, value }| {
        let method = Ident::new(method, Span::call_site());
        let (of, value) = (of.iter(), borrowed(value));
        quote!(#call.#method(#(#of,)* #value);)
    });
    quote! {
        let #mutable #call = ::runcycles::__private::CallBuilder::new(#kind, #name, #unit, #estimate);
        #(#settings)*
        let #call = #call.build();
    }
}

/// The body's result under guard. The result's type is judged once, where the user wrote it.
fn run(guard: &Guard, result: &Type, body: &Body) -> TokenStream {
    let [call, runner, future, value] =
        ["call", "guard", "body", "result"].map(|name| Ident::new(name, Span::mixed_site()));
    let judge = judge(result);
    let body = pinned(body, &runner, &future);
    let run = if let Some(actual) = &guard.actual {
        // All of the statement stands at the closure, where the compiler then tells a wrong one once.
        let at = located(actual.span());
        let runner = Ident::new("guard", at);
        quote_spanned! {at=>
            #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
            let #value = #runner.run_metered(#call, #future, #actual).await;
        }
    } else {
        quote!(let #value = #runner.run(#call, #future).await;)
    };
    quote! {
        let #runner = #judge;
        #body
        #run
        #value
    }
}

/// The statement that pins the body's future.
fn pinned(body: &Body, runner: &Ident, future: &Ident) -> TokenStream {
    let Body { capture, braces: at, statements } = body;
    let (at, value) = (*at, Ident::new("result", Span::mixed_site()));
    let statements = braces(at, statements.clone());
    let edge = quote! {
        if let ::core::option::Option::Some(#value) = #runner.no_result() {
            return #value;
        }
    };
    let block = braces(at, quote!(#edge #statements));
    quote_spanned!(located(at)=> let #future = ::core::pin::pin!(async #capture #block);)
}

/// The function that judges the result's type.
///
/// The path and its parentheses begin and end where the type does: the compiler judges the type at each of them, and tells
/// what it finds at one place once.
fn judge(result: &Type) -> TokenStream {
    let (nameable, opaque) = function::nameable(result);
    let kind = if opaque { quote!(::runcycles::__private::Fallible) } else { quote!(_) };
    let first = result.span();
    let last = result.to_token_stream().into_iter().last().map_or(first, |token| token.span());
    let path = quote_spanned!(first=> ::runcycles::__private::guard::);
    let (open, close) = (Token![<](first), Token![>](last));
    let call = quote_spanned!(last=> ());
    quote!(#path #open #nameable, #kind #close #call)
}

/// A reference to a value, shown at the value.
fn borrowed(value: &Expr) -> TokenStream {
    if let Some(Literal::Text(text)) = literal(value) {
        return text.to_token_stream();
    }
    let reference = ExprReference {
        attrs: Vec::new(),
        and_token: Token![&](located(span(value))),
        mutability: None,
        expr: Box::new(value.clone()),
    };
    reference.into_token_stream()
}

/// Statements in braces of our own, which are shown where the user's stand.
fn braces(at: Span, statements: TokenStream) -> TokenStream {
    let mut block = Group::new(Delimiter::Brace, statements);
    block.set_span(located(at));
    TokenTree::Group(block).into()
}

/// A span of the attribute's own names, shown at a place of the user's.
fn located(at: Span) -> Span {
    Span::mixed_site().located_at(at)
}
