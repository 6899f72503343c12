//! The body to guard, in a function that is not `async` itself but ends in an async block.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser as _;
use syn::{
    Block, Expr, ExprAsync, ExprPath, GenericArgument, Pat, Path, PathArguments, Stmt, Token, Type, TypeParamBound,
};

use crate::function::Function;

/// A function that ends in `async move { … }` or `Box::pin(async move { … })`, as `#[async_trait]` writes methods.
pub(crate) struct ReturnedFuture {
    before: Vec<Stmt>,
    tail: Expr,
    block: ExprAsync,
    /// What the future gives.
    pub(crate) output: Type,
}

/// A body to guard: whether its async block takes what it uses, its braces, and its statements.
pub(crate) struct Body {
    pub(crate) capture: Option<Token![move]>,
    /// The place of its braces.
    pub(crate) braces: Span,
    pub(crate) statements: TokenStream,
}

impl ReturnedFuture {
    /// The future that the function returns, if it ends in one and its type says what it gives.
    pub(crate) fn find(function: &Function) -> Option<Self> {
        let mut before = Block::parse_within.parse2(function.body.statements.clone()).ok()?;
        let Some(Stmt::Expr(mut tail, None)) = before.pop() else { return None };
        let block = async_block(&mut tail)?.clone();
        let output = future_output(&function.result)?;
        Some(Self { before, tail, block, output })
    }

    /// The function's statements with the body under guard: `evaluate` evaluates the arguments, and `run` makes of a body
    /// its guarded result.
    ///
    /// Input, as `#[async_trait]` writes it:
    ///
    /// ```text
    /// Box::pin(async move { let __self = self; let a = a; let __ret: R = { body }; __ret })
    /// ```
    ///
    /// Output: the arguments are evaluated once the parameters have their names again, and `self` its other one.
    ///
    /// ```text
    /// Box::pin(async move { let __self = self; let a = a; evaluate; let __ret: R = run(body); __ret })
    /// ```
    ///
    /// In any other async block, everything is the body.
    pub(crate) fn guard(mut self, evaluate: &TokenStream, run: impl Fn(&Body) -> TokenStream) -> TokenStream {
        let ExprAsync { capture, block, .. } = &self.block;
        let body_of = |block: &Block| {
            let statements = &block.stmts;
            Body { capture: *capture, braces: block.brace_token.span.join(), statements: quote!(#(#statements)*) }
        };
        let statements = match block.stmts.as_slice() {
            [before @ .., Stmt::Local(local), Stmt::Expr(Expr::Path(result), None)] if names(&local.pat, result) => {
                local.init.as_ref().and_then(|init| {
                    let Expr::Block(body) = &*init.expr else { return None };
                    let evaluate = rename_self(evaluate, before);
                    let (pat, run) = (&local.pat, run(&body_of(&body.block)));
                    Some(quote!(#(#before)* #evaluate let #pat = { #run }; #result))
                })
            }
            _ => None,
        };
        let statements = statements.unwrap_or_else(|| {
            let run = run(&body_of(block));
            quote!(#evaluate #run)
        });
        if let Some(block) = async_block(&mut self.tail) {
            block.block.stmts = vec![Stmt::Expr(Expr::Verbatim(statements), None)];
        }
        let (before, tail) = (self.before, self.tail);
        quote!(#(#before)* #tail)
    }
}

/// The async block that an expression is, or that it pins.
fn async_block(expr: &mut Expr) -> Option<&mut ExprAsync> {
    match expr {
        Expr::Async(block) => Some(block),
        Expr::Call(call) if call.args.len() == 1 => {
            let Expr::Path(ExprPath { path, .. }) = &*call.func else { return None };
            ends_in_box_pin(path).then_some(())?;
            async_block(call.args.first_mut()?)
        }
        _ => None,
    }
}

fn ends_in_box_pin(path: &Path) -> bool {
    let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
    names.next().is_some_and(|name| name == "pin") && names.next().is_some_and(|name| name == "Box")
}

/// `R` in `Pin<Box<dyn Future<Output = R>>>`, `impl Future<Output = R>` and `BoxFuture<'_, R>`.
fn future_output(ty: &Type) -> Option<Type> {
    let arguments = |path: &Path| match &path.segments.last()?.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments.args.clone()),
        _ => None,
    };
    let bounds = match ty {
        Type::Path(ty) => {
            let inner = arguments(&ty.path)?.into_iter().rev().find_map(|argument| match argument {
                GenericArgument::Type(inner) => Some(inner),
                _ => None,
            })?;
            let wraps = ty.path.segments.last().is_some_and(|segment| segment.ident == "Pin" || segment.ident == "Box");
            return if wraps { future_output(&inner) } else { Some(inner) };
        }
        Type::TraitObject(ty) => &ty.bounds,
        Type::ImplTrait(ty) => &ty.bounds,
        _ => return None,
    };
    bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        arguments(&bound.path)?.into_iter().find_map(|argument| match argument {
            GenericArgument::AssocType(item) if item.ident == "Output" => Some(item.ty),
            _ => None,
        })
    })
}

/// Whether a pattern binds exactly the variable that a path names.
fn names(pat: &Pat, variable: &ExprPath) -> bool {
    match pat {
        Pat::Type(typed) => names(&typed.pat, variable),
        Pat::Ident(bound) => variable.path.is_ident(&bound.ident),
        _ => false,
    }
}

/// The tokens with `self` under the name that one of the statements gives it.
fn rename_self(tokens: &TokenStream, statements: &[Stmt]) -> TokenStream {
    let renamed = statements.iter().find_map(|statement| {
        let Stmt::Local(local) = statement else { return None };
        let (Pat::Ident(bound), Expr::Path(value)) = (&local.pat, &*local.init.as_ref()?.expr) else { return None };
        value.path.is_ident("self").then(|| bound.ident.clone())
    });
    match renamed {
        Some(name) => replace_self(tokens.clone(), &name),
        None => tokens.clone(),
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
