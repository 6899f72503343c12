//! From a function and its arguments to the guarded function.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprReference, Token, Type};

use crate::args::Arguments;
use crate::body::{Body, ReturnedFuture};
use crate::function::{self, Function};
use crate::literal::{Literal, literal, span};
use crate::names::Parameters;
use crate::stream::{Form, StreamType, owning};
use crate::validate::{Guard, Options, Setting, combined};

/// The guarded function, or the function as it was beside what is wrong with the attribute.
pub(crate) fn cycles(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(mistake) => return beside(item, &mistake),
    };
    let returned = if function.signature.asyncness.is_none() { ReturnedFuture::find(&function) } else { None };
    let is_plain = function.signature.asyncness.is_none() && returned.is_none();
    let stream = if is_plain { StreamType::find(&function.result) } else { None };
    let result = returned.as_ref().map_or(&function.result, |returned| &returned.output);
    let gives_stream = stream.is_some() || StreamType::find_in_result(result).is_some();
    let mistake = function.mistake(returned.is_some() || stream.is_some());
    match (Guard::new(Arguments::parse(arguments)), mistake) {
        (Ok(guard), None) => match gives_stream.then(|| StreamType::mistake(&guard.options)).flatten() {
            Some(mistake) => beside(item, &mistake),
            None => guarded(function, returned, stream, guard),
        },
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
///     let mut call = CallBuilder::new("llm.completion", "chat", None, &usd!(0.02));
///     call.level(Level::Agent, &user);
///     let call = call.build();
///     let guard = guard::<Result<Reply, AgentError>>();
///     let body = pin!(Some(async move {
///         if let Some(result) = guard.no_result() { return result; }
///         { body }
///     }));
///     let body = PinnedBody::new(body);
///     let result = guard.run_metered(call, body, |reply| reply.cost()).await;
///     result
/// }
/// ```
///
/// The body's future is pinned here and passed on by reference, so that it exists once, however many layers it passes. There
/// never is a result before the body; from its `return` the compiler and editors know what the body gives, as they know it of
/// the function as it was written.
fn guarded(
    function: Function,
    returned: Option<ReturnedFuture>,
    stream: Option<StreamType>,
    mut guard: Guard,
) -> TokenStream {
    let name = function.signature.ident.to_string();
    let statements = if let Some(stream) = stream {
        let (evaluate, flow) = (evaluate(&guard, &name), flow(&guard, &function, &stream));
        quote!(#evaluate #flow)
    } else if let Some(returned) = returned {
        if let Some(name) = returned.self_name() {
            guard.rename_self(name);
        }
        let parameters = Parameters::new(&function.signature, returned.patterns());
        let body = returned.body.clone().sharing_with(&guard, &parameters);
        let run = run(&guard, &returned.output, &body);
        returned.with(&evaluate(&guard, &name), &run)
    } else {
        let capture = Some(Token![move](located(function.body.braces)));
        let body = Body { capture, ..function.body }.sharing_with(&guard, &Parameters::new(&function.signature, []));
        let (evaluate, run) = (evaluate(&guard, &name), run(&guard, &function.result, &body));
        if function.signature.asyncness.is_some() {
            quote!(#evaluate #run)
        } else {
            // A plain function waits for the same.
            let (runner, judge) = (own("guard"), judge(&function.result));
            quote!(#evaluate let #runner = #judge; #runner.block_on(async { #run }))
        }
    };
    let Function { attributes, visibility, signature, inner_attributes, .. } = function;
    let body = braces(function.body.braces, quote!(#(#inner_attributes)* #statements));
    quote!(#(#attributes)* #visibility #signature #body)
}

impl Body {
    /// The body, which takes only what it consumes where an argument that is evaluated after it names a parameter.
    fn sharing_with(self, guard: &Guard, parameters: &Parameters) -> Self {
        let Options { actual, metrics, metadata, fallback, .. } = &guard.options;
        let after = [actual, metrics, metadata, fallback].into_iter().flatten();
        let shared = after.into_iter().any(|argument| parameters.are_in(argument));
        if shared { Self { capture: None, ..self } } else { self }
    }
}

/// The statements that evaluate the arguments, by reference, and make a call of them.
fn evaluate(guard: &Guard, function_name: &str) -> TokenStream {
    let call = own("call");
    let Options { action_name, unit, settings, .. } = &guard.options;
    let kind = borrowed(&guard.action_kind);
    let name = action_name.as_ref().map_or_else(|| function_name.to_token_stream(), borrowed);
    let unit = optional(unit.as_ref().map(borrowed));
    let estimate = borrowed(&guard.estimate);
    let mutable = (!settings.is_empty()).then(|| Token![mut](Span::mixed_site()));
    let settings = settings.iter().map(|Setting { method, of, value, by_value }| {
        let method = Ident::new(method, Span::call_site());
        let value = if *by_value { value.to_token_stream() } else { borrowed(value) };
        let of = of.iter();
        quote!(#call.#method(#(#of,)* #value);)
    });
    quote! {
        let #mutable #call = ::runcycles::__private::CallBuilder::new(#kind, #name, #unit, #estimate);
        #(#settings)*
        let #call = #call.build();
    }
}

/// The stream that the body gives, under guard.
///
/// Output:
///
/// ```text
/// let guard = guard::<Result<Chunk, AgentError>>();
/// let body = move || { body };
/// let stream = guard.stream(call, body, move |chunk| chunk.cost());
/// stream
/// ```
fn flow(guard: &Guard, function: &Function, stream: &StreamType) -> TokenStream {
    let [call, runner, start, flowing] = ["call", "guard", "body", "stream"].map(own);
    let judge = judge(&stream.item);
    let at = function.body.braces;
    let block = braces(at, function.body.statements.clone());
    let start = match stream.form {
        Form::Opaque => quote_spanned!(located(at)=> let #start = move || #block;),
        Form::Pinned | Form::Boxed => {
            let (result, _) = function::nameable(&function.result);
            quote_spanned!(located(at)=> let #start = move || -> #result #block;)
        }
    };
    let meter = guard.options.actual.as_ref().map(|actual| {
        let at = located(actual.span());
        let start = Ident::new("body", at);
        let meter = after_body("stream", &quote!(#call, #start), &owning(actual));
        lenient(&quote_spanned!(at=> let #flowing = #meter;))
    });
    let given = stream.given(&flowing.to_token_stream(), located(function.result.span()));
    quote! {
        let #runner = #judge;
        #start
        #meter
        #given
    }
}

/// The stream in the body's result, under guard.
///
/// Output:
///
/// ```text
/// let guard = guard::<Result<BoxStream<'_, Result<Chunk, AgentError>>, AgentError>>();
/// let body = …;
/// match guard.open(call, body, move |chunk| chunk.cost()).await {
///     Ok(stream) => Ok(Box::pin(stream)),
///     Err(error) => Err(error),
/// }
/// ```
fn open(guard: &Guard, result: &Type, stream: &StreamType, body: &Body) -> TokenStream {
    let [call, runner, value, flowing, failed] = ["call", "guard", "result", "stream", "error"].map(own);
    let judge = judge(result);
    let body = pinned(body);
    let open = guard.options.actual.as_ref().map(|actual| {
        let at = located(actual.span());
        let future = Ident::new("body", at);
        let open = after_body("open", &quote!(#call, #future), &owning(actual));
        lenient(&quote_spanned!(at=> let #value = #open.await;))
    });
    let given = stream.given(&flowing.to_token_stream(), located(result.span()));
    quote! {
        let #runner = #judge;
        #body
        #open
        match #value {
            ::core::result::Result::Ok(#flowing) => ::core::result::Result::Ok(#given),
            ::core::result::Result::Err(#failed) => ::core::result::Result::Err(#failed),
        }
    }
}

/// The body's result under guard. The result's type is judged once, where the user wrote it.
fn run(guard: &Guard, result: &Type, body: &Body) -> TokenStream {
    if let Some(stream) = StreamType::find_in_result(result) {
        return open(guard, result, &stream, body);
    }
    let [call, runner, future, value] = ["call", "guard", "body", "result"].map(own);
    let Options { actual, metrics, metadata, fallback, .. } = &guard.options;
    let judge = judge(result);
    let body = pinned(body);
    let reports = [("report_metrics", metrics), ("report_metadata", metadata)].map(|(method, closure)| {
        let closure = closure.as_ref()?;
        let at = located(closure.span());
        let future = Ident::new("body", at);
        let report = after_body(method, &quote!(#future), closure);
        Some(lenient(&quote_spanned!(at=> let #future = #report;)))
    });
    let reports = reports.iter().flatten();
    let run = match actual {
        Some(actual) => {
            let at = located(actual.span());
            let method = if guard.options.in_units { "run_metered_in_units" } else { "run_metered" };
            let run = after_body(method, &quote!(#call, #future), actual);
            lenient(&quote_spanned!(at=> let #value = #run.await;))
        }
        None => quote!(let #value = #runner.run(#call, #future).await;),
    };
    match fallback {
        None => quote! {
            let #runner = #judge;
            #body
            #(#reports)*
            #run
            #value
        },
        Some(fallback) => quote! {
            let #runner = #judge;
            let #value = {
                #body
                #(#reports)*
                let #future = #runner.attempt(#future);
                let #runner = #runner.attempts();
                #run
                #value
            };
            match #runner.unless_exhausted(#value) {
                ::core::option::Option::Some(#value) => #value,
                ::core::option::Option::None => #fallback,
            }
        },
    }
}

/// A method of the guard with a closure over the value. All of it stands at the closure, where the compiler then tells a wrong
/// one once.
fn after_body(method: &str, arguments: &TokenStream, closure: &Expr) -> TokenStream {
    let at = located(closure.span());
    let (runner, method) = (Ident::new("guard", at), Ident::new(method, at));
    quote_spanned!(at=> #runner.#method(#arguments, #closure))
}

/// A statement with a closure of the user's, who may write `|reply| reply.cost()` for `Reply::cost`.
fn lenient(statement: &TokenStream) -> TokenStream {
    quote! {
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        #statement
    }
}

/// The statement that pins the body's future.
fn pinned(body: &Body) -> TokenStream {
    let [runner, future, value] = ["guard", "body", "result"].map(own);
    let Body { capture, braces: at, statements } = body;
    let statements = braces(*at, statements.clone());
    let edge = quote! {
        if let ::core::option::Option::Some(#value) = #runner.no_result() {
            return #value;
        }
    };
    let block = braces(*at, quote!(#edge #statements));
    let pin = quote_spanned! {located(*at)=>
        let #future = ::core::pin::pin!(::core::option::Option::Some(async #capture #block));
    };
    quote! {
        #pin
        let #future = ::runcycles::__private::PinnedBody::new(#future);
    }
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

/// `Some` of a value, or `None`.
fn optional(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(|| quote!(::core::option::Option::None), |value| quote!(::core::option::Option::Some(#value)))
}

/// A name of the attribute's own, which no name of the user's is the same as.
fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
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

#[cfg(test)]
mod tests;
