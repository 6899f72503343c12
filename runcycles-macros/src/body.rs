//! The body to guard, in a function that is not `async` itself but ends in an async block.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::parse::Parser as _;
use syn::{
    Block, Expr, ExprAsync, ExprPath, GenericArgument, Pat, Path, PathArguments, Stmt, Token, Type, TypeParamBound,
};

use crate::function::Function;

/// A body to guard: whether its async block takes what it uses, its braces, and its statements.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) capture: Option<Token![move]>,
    /// The place of its braces.
    pub(crate) braces: Span,
    pub(crate) statements: TokenStream,
}

/// A function that ends in `async move { … }` or `Box::pin(async move { … })`, as `#[async_trait]` writes methods.
pub(crate) struct ReturnedFuture {
    before: Vec<Stmt>,
    tail: Expr,
    block: Block,
    /// The statements of the block that give parameters their names again.
    bindings: Vec<Stmt>,
    /// The variable that gets the result, and where it is given back, if the block has one for it.
    result: Option<(Pat, ExprPath)>,
    /// What the future gives.
    pub(crate) output: Type,
    pub(crate) body: Body,
}

impl ReturnedFuture {
    /// The future that the function returns, if it ends in one and its type says what it gives.
    ///
    /// In the shape of `#[async_trait]`, the braces after `__ret` are the body; in any other async block, everything is.
    ///
    /// ```text
    /// Box::pin(async move { let __self = self; let a = a; let __ret: R = { body }; __ret })
    /// ```
    pub(crate) fn find(function: &Function) -> Option<Self> {
        let mut before = Block::parse_within.parse2(function.body.statements.clone()).ok()?;
        let Some(Stmt::Expr(mut tail, None)) = before.pop() else { return None };
        let ExprAsync { capture, block, .. } = async_block(&mut tail)?.clone();
        let output = future_output(&function.result)?;
        let body_of = |block: &Block| {
            let statements = &block.stmts;
            Body { capture, braces: block.brace_token.span.join(), statements: quote!(#(#statements)*) }
        };
        let (bindings, result, body) = match block.stmts.as_slice() {
            [bindings @ .., Stmt::Local(local), Stmt::Expr(Expr::Path(result), None)] if names(&local.pat, result) => {
                let Expr::Block(body) = &*local.init.as_ref()?.expr else { return None };
                (bindings.to_vec(), Some((local.pat.clone(), result.clone())), body_of(&body.block))
            }
            _ => (Vec::new(), None, body_of(&block)),
        };
        Some(Self { before, tail, block, bindings, result, output, body })
    }

    /// The name of `self` in the body.
    pub(crate) fn self_name(&self) -> Option<&Ident> {
        self.bindings.iter().find_map(|statement| {
            let Stmt::Local(local) = statement else { return None };
            let (Pat::Ident(bound), Expr::Path(value)) = (&local.pat, &*local.init.as_ref()?.expr) else { return None };
            value.path.is_ident("self").then_some(&bound.ident)
        })
    }

    /// The patterns that name what the body uses, beside those of the parameters.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Pat> {
        self.bindings.iter().filter_map(|statement| match statement {
            Stmt::Local(local) => Some(&local.pat),
            _ => None,
        })
    }

    /// The function's statements: `evaluate` evaluates the arguments once the parameters have their names, and `run` stands
    /// where the body was.
    pub(crate) fn with(mut self, evaluate: &TokenStream, run: &TokenStream) -> TokenStream {
        let bindings = &self.bindings;
        let statements = match &self.result {
            Some((pat, result)) => quote!(#(#bindings)* #evaluate let #pat = { #run }; #result),
            None => quote!(#evaluate #run),
        };
        if let Some(block) = async_block(&mut self.tail) {
            block.block = Block { stmts: vec![Stmt::Expr(Expr::Verbatim(statements), None)], ..self.block };
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
