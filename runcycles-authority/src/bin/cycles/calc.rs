//! What calls cost.

use std::error::Error;
use std::path::Path;

use runcycles::models::Amount;
use runcycles::{Price, PriceTable, Usage};
use serde_json::json;

use crate::arguments::Calc;
use crate::table::table;

/// Days of a month.
const MONTH: u64 = 30;

/// Works out what calls cost.
pub(crate) fn calc(told: &Calc) -> Result<String, Box<dyn Error>> {
    let prices = read(&told.prices)?;
    let (model, price) = find(&prices, &told.model, &told.prices)?;
    let call = price.cost(&Usage { input: told.input, output: told.output, ..Usage::default() })?;
    let estimate = price.estimate(told.input, told.output, told.buffer)?;
    let day = call.checked_mul(told.per_day)?;
    let month = day.checked_mul(MONTH)?;
    if told.json {
        let summary = json!({
            "model": model,
            "input_tokens": told.input,
            "output_tokens": told.output,
            "calls_per_day": told.per_day,
            "per_call_microcents": call.value(),
            "estimate_microcents": estimate.value(),
            "per_day_microcents": day.value(),
            "per_month_microcents": month.value(),
        });
        return Ok(format!("{summary:#}\n"));
    }
    let row = |name: &str, amount: &Amount, note: String| [name.to_owned(), amount.to_string(), note];
    let rows = [
        row("a call", &call, String::new()),
        row("to reserve", &estimate, format!("with {} % on top", told.buffer)),
        row("a day", &day, format!("{} calls", told.per_day)),
        row("a month", &month, format!("{MONTH} days")),
    ];
    let about = format!("{model}: {} tokens in, {} out, by {}\n\n", told.input, told.output, told.prices.display());
    Ok(about + &table(["", "COST", ""], &rows))
}

/// Reads prices in either of two shapes.
fn read(path: &Path) -> Result<PriceTable, Box<dyn Error>> {
    let json = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    // Of the errors the second says more, unless providers have models.
    let providers = PriceTable::from_models_dev(&json);
    providers.or_else(|first| {
        let is_by_provider = json.contains("\"models\"");
        PriceTable::from_litellm(&json).map_err(|second| {
            let error = if is_by_provider { first } else { second };
            format!("{}: {error}; expected prices as models.dev or litellm publish them", path.display()).into()
        })
    })
}

/// A model by its name, or by what stands after the provider, where that is one alone.
fn find<'a>(prices: &'a PriceTable, model: &str, path: &Path) -> Result<(String, &'a Price), Box<dyn Error>> {
    if let Ok(price) = prices.of(model) {
        return Ok((model.to_owned(), price));
    }
    let is_it = |name: &&str| name.rsplit_once('/').is_some_and(|(_, short)| short == model);
    let found: Vec<_> = prices.models().filter(is_it).collect();
    match found[..] {
        [name] => Ok((name.to_owned(), prices.of(name)?)),
        [] => {
            let like = model.split(['-', '/']).next().unwrap_or(model);
            let near: Vec<_> = prices.models().filter(|name| name.contains(like)).take(8).collect();
            let near = if near.is_empty() { String::new() } else { format!(" (it has {})", near.join(", ")) };
            let path = path.display();
            Err(format!("no price of the model {model:?} in {path}{near}: add it to the file, or correct the name")
                .into())
        }
        _ => Err(format!("the model {model:?} has several prices: name one of {}", found.join(", ")).into()),
    }
}
