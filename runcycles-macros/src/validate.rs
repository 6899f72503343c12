//! From what was written to what it means, with every mistake that can be seen while the program is compiled.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Error, Expr, ExprAwait};

use crate::actual;
use crate::args::{Argument, Arguments, Dimension, Value};
use crate::estimate;
use crate::limits;

/// The arguments, ready to be written into code.
pub(crate) struct Guard {
    pub(crate) estimate: Expr,
    pub(crate) action_kind: Expr,
    pub(crate) action_name: Option<Expr>,
    pub(crate) unit: Option<Expr>,
    /// A closure over the value.
    pub(crate) actual: Option<TokenStream>,
    pub(crate) settings: Vec<Setting>,
}

/// A value that is handed to a method of the call's builder.
pub(crate) struct Setting {
    pub(crate) method: &'static str,
    /// What the method takes before the value, such as the level.
    pub(crate) of: Option<TokenStream>,
    pub(crate) value: Expr,
}

impl Guard {
    /// Checks the arguments.
    ///
    /// # Errors
    ///
    /// Every mistake, each once. An argument that is missing is not told beside other mistakes: it may be one of them.
    pub(crate) fn new(arguments: Arguments) -> Result<Self, Error> {
        let Arguments { list, mut mistakes } = arguments;
        let mut draft = Draft::default();
        let mut given: Vec<&str> = Vec::new();
        for argument in list {
            if given.contains(&argument.key) {
                // Arguments without a name come first, so the second of two has one.
                let at = argument.name.map_or_else(Span::call_site, |name| name.span());
                mistakes.push(Error::new(at, format!("`{}` is given twice; keep one", argument.key)));
                continue;
            }
            given.push(argument.key);
            if let Err(mistake) = draft.take(argument) {
                mistakes.push(mistake);
            }
        }
        match mistakes.into_iter().reduce(combined) {
            Some(mistakes) => Err(mistakes),
            None => draft.complete(),
        }
    }
}

/// Both errors in one.
pub(crate) fn combined(mut first: Error, second: Error) -> Error {
    first.combine(second);
    first
}

/// The arguments so far.
#[derive(Default)]
struct Draft {
    estimate: Option<Expr>,
    action_kind: Option<Expr>,
    action_name: Option<Expr>,
    unit: Option<Expr>,
    actual: Option<TokenStream>,
    settings: Vec<Setting>,
}

impl Draft {
    fn take(&mut self, argument: Argument) -> Result<(), Error> {
        let Argument { key, value, .. } = argument;
        let mut value = match value {
            Value::One(value) => value,
            Value::Dimensions(dimensions) => return self.dimensions(dimensions),
        };
        refuse_await(&mut value)?;
        match key {
            "estimate" => {
                limits::amount(&value)?;
                self.estimate = Some(estimate::typed(&value));
            }
            "action_kind" => self.action_kind = Some(limits::action_kind(value)?),
            "action_name" => self.action_name = Some(limits::action_name(value)?),
            "unit" => self.unit = Some(limits::unit(value)?),
            "actual" => {
                limits::amount(&value)?;
                self.actual = Some(actual::closure(&value)?);
            }
            "action_tags" => self.set("action_tags", None, limits::action_tags(value)?),
            "ttl" => self.set("ttl", None, limits::ttl(value)?),
            "grace_period" => self.set("grace_period", None, limits::grace_period(value)?),
            "overage_policy" => self.set("overage_policy", None, limits::overage_policy(value)?),
            "scope" => self.set("scope", None, value),
            "client" => self.set("client", None, value),
            level => {
                let variant = format_ident!("{}{}", level[..1].to_uppercase(), &level[1..]);
                let level = quote!(::runcycles::__private::Level::#variant);
                self.set("level", Some(level), limits::level(value)?);
            }
        }
        Ok(())
    }

    fn set(&mut self, method: &'static str, of: Option<TokenStream>, value: Expr) {
        self.settings.push(Setting { method, of, value });
    }

    fn dimensions(&mut self, dimensions: Vec<Dimension>) -> Result<(), Error> {
        for Dimension { name, mut value } in dimensions {
            refuse_await(&mut value)?;
            self.set("dimension", Some(quote!(#name)), limits::dimension(value)?);
        }
        Ok(())
    }

    fn complete(self) -> Result<Guard, Error> {
        let example = "#[cycles(usd!(0.02), \"llm.completion\")]";
        let message = match (&self.estimate, &self.action_kind) {
            (None, None) => format!("the estimate and the action kind are missing; write `{example}`"),
            (None, Some(_)) => format!("the estimate is missing; write `{example}`, or `estimate = …`"),
            (Some(_), None) => format!("the action kind is missing; write `{example}`, or `action_kind = …`"),
            (Some(_), Some(_)) => String::new(),
        };
        let (Some(estimate), Some(action_kind)) = (self.estimate, self.action_kind) else {
            return Err(Error::new(Span::call_site(), message));
        };
        Ok(Guard {
            estimate,
            action_kind,
            action_name: self.action_name,
            unit: self.unit,
            actual: self.actual,
            settings: self.settings,
        })
    }
}

/// Arguments are evaluated before the call is guarded, where nothing may wait.
fn refuse_await(value: &mut Expr) -> Result<(), Error> {
    struct FindAwait(Option<Span>);
    impl VisitMut for FindAwait {
        fn visit_expr_await_mut(&mut self, expr: &mut ExprAwait) {
            self.0.get_or_insert(expr.await_token.span);
        }

        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            if !matches!(expr, Expr::Async(_) | Expr::Closure(_)) {
                visit_mut::visit_expr_mut(self, expr);
            }
        }
    }
    let mut find = FindAwait(None);
    find.visit_expr_mut(value);
    match find.0 {
        Some(span) => Err(Error::new(
            span,
            "found `.await`; arguments are evaluated before anything is reserved, and cannot wait: await it in the caller and pass the value",
        )),
        None => Ok(()),
    }
}
