//! From what was written to what it means, with every mistake that can be seen while the program is compiled.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Error, Expr, ExprAwait, Token, parse_quote};

use crate::args::{Argument, Arguments, Dimension, Value};
use crate::{closure, estimate, limits, literal, names};

/// The arguments, ready to be written into code.
pub(crate) struct Guard {
    pub(crate) estimate: Expr,
    pub(crate) action_kind: Expr,
    pub(crate) options: Options,
}

/// The arguments that a call can do without.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) action_name: Option<Expr>,
    pub(crate) unit: Option<Expr>,
    pub(crate) settings: Vec<Setting>,
    /// Whether the call reserves in several units.
    pub(crate) in_units: bool,
    /// Closures over the value.
    pub(crate) actual: Option<Expr>,
    pub(crate) metrics: Option<Expr>,
    pub(crate) metadata: Option<Expr>,
    /// What the function returns where the budget says no.
    pub(crate) fallback: Option<Expr>,
}

/// A value that is handed to a method of the call's builder.
pub(crate) struct Setting {
    pub(crate) method: &'static str,
    /// What the method takes before the value, such as the level.
    pub(crate) of: Option<TokenStream>,
    pub(crate) value: Expr,
    /// Whether the method takes the value itself, which is a small one, and not a reference.
    pub(crate) by_value: bool,
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
            None => draft.complete(given.contains(&"toolset")),
        }
    }

    /// Gives `self` the name it has in the body.
    pub(crate) fn rename_self(&mut self, name: &Ident) {
        let Options { action_name, unit, settings, actual, metrics, metadata, fallback, in_units: _ } =
            &mut self.options;
        let required = [&mut self.estimate, &mut self.action_kind];
        let optional = [action_name, unit, actual, metrics, metadata, fallback].into_iter().flatten();
        let settings = settings.iter_mut().map(|setting| &mut setting.value);
        for value in required.into_iter().chain(optional).chain(settings) {
            names::rename_self(value, name);
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
    allow_zero: bool,
    options: Options,
}

impl Draft {
    fn take(&mut self, argument: Argument) -> Result<(), Error> {
        let Argument { key, value, .. } = argument;
        let mut value = match value {
            Value::One(value) => value,
            Value::Dimensions(dimensions) => return self.dimensions(dimensions),
        };
        if key != "fallback" {
            refuse_await(&mut value)?;
        }
        let options = &mut self.options;
        match key {
            "estimate" => {
                let mut amounts = estimate::units(&value)?.into_iter();
                self.estimate = amounts.next();
                for amount in amounts {
                    options.in_units = true;
                    options.settings.push(Setting { method: "also", of: None, value: amount, by_value: false });
                }
            }
            "action_kind" => self.action_kind = Some(limits::action_kind(value)?),
            "action_name" => options.action_name = Some(limits::action_name(value)?),
            "allow_zero" => self.allow_zero = limits::boolean(&value)?,
            "unit" => options.unit = Some(limits::unit(value)?),
            "actual" => {
                limits::amount(&value)?;
                options.actual = Some(closure::over_output(key, &estimate::typed_result(&value))?);
            }
            "metrics" => {
                let closure = closure::over_output(key, &value)?;
                options.metrics = Some(closure::contained(&closure, Expr::clone));
            }
            "metadata" => {
                let closure = closure::over_output(key, &value)?;
                let convert = |pairs: &Expr| parse_quote!(::runcycles::__private::IntoMetadata::into_metadata(#pairs));
                options.metadata = Some(closure::contained(&closure, convert));
            }
            "fallback" => options.fallback = Some(value),
            "action_tags" => self.set("action_tags", None, limits::action_tags(value)?),
            "ttl" => self.set("ttl", None, limits::ttl(value)?),
            "grace_period" => self.set("grace_period", None, limits::grace_period(value)?),
            "overage_policy" => self.set("overage_policy", None, limits::overage_policy(value)?),
            "scope" => self.set("scope", None, value),
            "client" => self.set("client", None, value),
            "lease" => self.set("lease", None, value),
            "run" => self.set("run", None, limits::level(value)?),
            "require" => self.set("require", None, limits::levels(&value)?),
            "priority" => self.set("priority", None, limits::priority(value)?),
            "planned" => self.set("planned", None, limits::planned(value)?),
            "key" => self.set("key", None, key_parts(value)),
            "mode" => self.pass("mode", limits::mode(value)?),
            "unknown" => self.pass("unknown", limits::unknown(value)?),
            "on_unsettled" => self.pass("on_unsettled", limits::on_unsettled(value)?),
            "heartbeat" => self.pass("heartbeat", limits::heartbeat(value)?),
            "needs_authority" => self.pass("needs_authority", value),
            level => {
                let variant = format_ident!("{}{}", level[..1].to_uppercase(), &level[1..]);
                let level = quote!(::runcycles::__private::Level::#variant);
                self.set("level", Some(level), limits::level(value)?);
            }
        }
        Ok(())
    }

    fn set(&mut self, method: &'static str, of: Option<TokenStream>, value: Expr) {
        self.options.settings.push(Setting { method, of, value, by_value: false });
    }

    /// A setting whose value is passed as it is.
    fn pass(&mut self, method: &'static str, value: Expr) {
        self.options.settings.push(Setting { method, of: None, value, by_value: true });
    }

    fn dimensions(&mut self, dimensions: Vec<Dimension>) -> Result<(), Error> {
        for Dimension { name, mut value } in dimensions {
            refuse_await(&mut value)?;
            self.set("dimension", Some(quote!(#name)), limits::dimension(value)?);
        }
        Ok(())
    }

    fn complete(self, has_toolset: bool) -> Result<Guard, Error> {
        let example = "#[cycles(usd!(0.02), \"llm.completion\")]";
        let given = |method: &str| self.options.settings.iter().find(|setting| setting.method == method);
        let missing = |what| Err(Error::new(Span::call_site(), format!("{what}; write `{example}`")));
        match (self.estimate, self.action_kind) {
            (None, None) => missing("the estimate and the action kind are missing"),
            (None, Some(_)) => missing("the estimate is missing"),
            (Some(_), None) => missing("the action kind is missing"),
            (Some(estimate), Some(_)) if has_toolset && !self.allow_zero && limits::is_zero(&estimate) => {
                let message = "found an estimate of zero, which passes even the empty budget of a toolset; write what the action may cost, or `allow_zero = true` if it may always run";
                Err(Error::new(literal::span(&estimate), message))
            }
            (Some(_), Some(_)) if given("key").is_some() && given("lease").is_some() => {
                let lease = given("lease").map_or_else(Span::call_site, |lease| literal::span(&lease.value));
                let message = "found `lease` beside `key`; what is taken of a lease has no key, so that the same work would be charged for each time it is done: leave out either";
                Err(Error::new(lease, message))
            }
            (Some(estimate), Some(action_kind)) => Ok(Guard { estimate, action_kind, options: self.options }),
        }
    }
}

/// The parts of a key, each by reference: those of a tuple or a list, or one.
fn key_parts(value: Expr) -> Expr {
    let parts: Vec<Expr> = match value {
        Expr::Tuple(parts) => parts.elems.into_iter().collect(),
        Expr::Array(parts) => parts.elems.into_iter().collect(),
        one => vec![one],
    };
    let parts = parts.iter().map(|part| {
        let and = Token![&](Span::mixed_site().located_at(literal::span(part)));
        quote!(#and #part)
    });
    parse_quote!([#(#parts),*])
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
