//! The numbers of the example file of prices.

#[path = "../../prices.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use runcycles::models::Amount;
use runcycles::usd;

use self::example::{Numbers, prices, story};
use super::Outcome;

#[test]
fn every_model_of_the_file_has_a_cost_and_another_is_an_error() -> Outcome {
    let Numbers { costs, unknown } = story()?;
    assert_eq!(costs.len(), 17);
    assert!(costs.contains(&("gpt-4o".to_owned(), usd!(0.015))), "{costs:?}");
    assert!(unknown.contains("\"gpt-9\"") && unknown.contains("add it to the price table"), "{unknown}");
    Ok(())
}

#[test]
fn estimates_with_a_fifth_on_top_are_those_of_the_cheat_sheet() -> Outcome {
    let prices = prices()?;
    for (model, input, output, microcents) in [
        ("gpt-4o", 2_000, 1_000, 1_800_000),
        ("claude-sonnet-4", 4_000, 2_000, 5_040_000),
        ("gpt-4o", 500, 200, 390_000),
        ("gpt-4o", 8_000, 2_000, 4_800_000),
        ("gpt-4o-mini", 500, 200, 23_400),
        ("claude-sonnet-4", 2_000, 1_000, 2_520_000),
        ("claude-sonnet-4", 4_000, 4_000, 8_640_000),
    ] {
        let estimate = prices.of(model)?.estimate(input, output, 20)?;
        assert_eq!(estimate, Amount::usd_microcents(microcents), "{model}, {input} in, {output} out");
    }
    Ok(())
}

#[test]
fn tokens_cost_what_the_cheat_sheet_says() -> Outcome {
    let prices = prices()?;
    for (model, input, output) in [
        ("gpt-4o", 250, 1_000),
        ("gpt-4o-mini", 15, 60),
        ("gpt-4.1", 200, 800),
        ("gpt-4.1-mini", 40, 160),
        ("gpt-4.1-nano", 10, 40),
        ("o3", 200, 800),
        ("o3-mini", 110, 440),
        ("o4-mini", 110, 440),
        ("claude-opus-4", 1_500, 7_500),
        ("claude-sonnet-4", 300, 1_500),
        ("claude-haiku-3.5", 80, 400),
        ("gemini-2.5-pro", 125, 1_000),
        ("gemini-2.5-flash", 15, 60),
        ("gemini-2.0-flash", 10, 40),
        ("llama-4-maverick", 20, 60),
        ("llama-4-scout", 15, 40),
        ("llama-3.3-70b", 40, 40),
    ] {
        let price = prices.of(model)?;
        assert_eq!(price.estimate(1, 0, 0)?, Amount::usd_microcents(input), "{model}, a token in");
        assert_eq!(price.estimate(0, 1, 0)?, Amount::usd_microcents(output), "{model}, a token out");
    }
    Ok(())
}
