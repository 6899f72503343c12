//! What stands between the parentheses of the attribute, as it was written.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::visit_mut::{self, VisitMut};
use syn::{Error, Expr, ExprParen, LitStr, Token, token};

use crate::key;

/// The most arguments that go without a name: the estimate and the action kind.
const POSITIONAL: usize = 2;

/// The arguments in the order they were written, and every mistake in their form.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) list: Vec<Argument>,
    pub(crate) mistakes: Vec<Error>,
}

/// One argument. The name stays beside the value, so that a mistake is shown at the part it is in.
pub(crate) struct Argument {
    pub(crate) key: &'static str,
    /// The name as written; `None` for a positional argument.
    pub(crate) name: Option<Ident>,
    pub(crate) value: Value,
}

/// The value of an argument.
pub(crate) enum Value {
    One(Expr),
    Dimensions(Vec<Dimension>),
}

/// One entry of `dimensions(…)`.
pub(crate) struct Dimension {
    pub(crate) name: LitStr,
    pub(crate) value: Expr,
}

impl Arguments {
    /// Reads what was written as far as it can be read.
    pub(crate) fn parse(tokens: TokenStream) -> Self {
        let mut arguments = Self::default();
        let read = |input: ParseStream<'_>| {
            let outcome = arguments.read(input);
            // What follows a mistake is taken off the input, which otherwise reports it as a second one.
            input.parse::<TokenStream>()?;
            outcome
        };
        if let Err(mistake) = read.parse2(tokens) {
            arguments.mistakes.push(mistake);
        }
        arguments
    }

    fn read(&mut self, input: ParseStream<'_>) -> Result<(), Error> {
        while !input.is_empty() {
            if is_named(input) {
                self.read_named(input)?;
            } else {
                self.read_positional(input)?;
            }
            if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                return Err(input.error("expected `,` between arguments"));
            }
        }
        Ok(())
    }

    fn read_named(&mut self, input: ParseStream<'_>) -> Result<(), Error> {
        let name = input.call(Ident::parse_any)?;
        let key = key::known(&name);
        let value = if input.peek(token::Paren) {
            Value::Dimensions(self.dimensions(input)?)
        } else {
            if input.peek(Token![:]) {
                return Err(input.error(format!("found `:`; write `{name} = …`")));
            }
            input.parse::<Token![=]>()?;
            if input.is_empty() || input.peek(Token![,]) {
                return Err(Error::new(name.span(), format!("`{name}` has no value; write `{name} = …`")));
            }
            Value::One(expression(input)?)
        };
        match (key, value) {
            (Ok("dimensions"), Value::One(_)) => {
                let message = "`dimensions` takes a list; write `dimensions(name = value, …)`";
                self.mistakes.push(Error::new(name.span(), message));
            }
            (Ok(key), value) => self.list.push(Argument { key, name: Some(name), value }),
            (Err(mistake), _) => self.mistakes.push(mistake),
        }
        Ok(())
    }

    fn read_positional(&mut self, input: ParseStream<'_>) -> Result<(), Error> {
        let value = expression(input)?;
        let position = self.list.len();
        if let Some(named) = self.list.iter().find_map(|argument| argument.name.as_ref()) {
            let message =
                format!("an argument without a name after `{named}`; write `name = …`, or move it to the front");
            self.mistakes.push(Error::new_spanned(value, message));
        } else if position == POSITIONAL {
            let message = format!(
                "a third argument without a name; only the estimate and the action kind go without: write `name = …` with one of {}",
                key::list()
            );
            self.mistakes.push(Error::new_spanned(value, message));
        } else {
            let key = ["estimate", "action_kind"][position];
            self.list.push(Argument { key, name: None, value: Value::One(value) });
        }
        Ok(())
    }

    fn dimensions(&mut self, input: ParseStream<'_>) -> Result<Vec<Dimension>, Error> {
        let content;
        syn::parenthesized!(content in input);
        let mut dimensions: Vec<Dimension> = Vec::new();
        while !content.is_empty() {
            let name = if content.peek(LitStr) {
                content.parse()?
            } else {
                let name = content.call(Ident::parse_any)?;
                LitStr::new(&name.to_string(), name.span())
            };
            if content.parse::<Token![=]>().is_err() || content.is_empty() || content.peek(Token![,]) {
                let message = format!("the dimension `{}` has no value; write `name = value`", name.value());
                return Err(Error::new(name.span(), message));
            }
            let value = expression(&content)?;
            if dimensions.iter().any(|earlier| earlier.name.value() == name.value()) {
                let message = format!("the dimension `{}` is given twice; keep one", name.value());
                self.mistakes.push(Error::new(name.span(), message));
            } else {
                dimensions.push(Dimension { name, value });
            }
            if !content.is_empty() && content.parse::<Token![,]>().is_err() {
                return Err(content.error("expected `,` between dimensions"));
            }
        }
        Ok(dimensions)
    }
}

/// Whether a name and its value come next, rather than an expression alone.
fn is_named(input: ParseStream<'_>) -> bool {
    if !input.peek(Ident::peek_any) {
        return false;
    }
    let assigned = input.peek2(Token![=]) && !input.peek2(Token![==]) && !input.peek2(Token![=>]);
    let typed = input.peek2(Token![:]) && !input.peek2(Token![::]);
    let listed =
        input.peek2(token::Paren) && input.fork().call(Ident::parse_any).is_ok_and(|name| name == "dimensions");
    assigned || typed || listed
}

/// An expression, with parentheses where a macro has put it together out of others: the compiler forgets the invisible ones.
fn expression(input: ParseStream<'_>) -> Result<Expr, Error> {
    struct Parenthesize;
    impl VisitMut for Parenthesize {
        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            if let Expr::Group(group) = expr {
                let inner = group.expr.clone();
                *expr = match *inner {
                    Expr::Binary(_) | Expr::Cast(_) | Expr::Range(_) | Expr::Reference(_) | Expr::Unary(_) => {
                        Expr::Paren(ExprParen { attrs: Vec::new(), paren_token: token::Paren::default(), expr: inner })
                    }
                    other => other,
                };
            }
            visit_mut::visit_expr_mut(self, expr);
        }
    }
    let mut expression = input.parse()?;
    Parenthesize.visit_expr_mut(&mut expression);
    Ok(expression)
}
