//! A body returns early, uses `?`, declares items, and carries inner attributes, as it does without the attribute.
#![deny(warnings)]

use runcycles::{Error, cycles, usd};

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("not a number")]
    NotANumber(#[from] std::num::ParseIntError),
    #[error(transparent)]
    Cycles(#[from] Error),
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn early_return(numbers: &[&str]) -> Result<u64, AgentError> {
    let mut sum = 0;
    for number in numbers {
        if number.is_empty() {
            return Ok(sum);
        }
        sum += number.parse::<u64>()?;
    }
    if sum == 0 {
        return Err(AgentError::Cycles(refused().await.unwrap_err()));
    }
    Ok(sum)
}

async fn refused() -> Result<(), Error> {
    Ok(())
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn items() -> Result<u8, Error> {
    const STEP: u8 = 2;
    #[derive(Default)]
    struct Counter(u8);
    impl Counter {
        fn next(&mut self) -> u8 {
            self.0 += STEP;
            self.0
        }
    }
    macro_rules! twice {
        ($e:expr) => {
            $e + $e
        };
    }
    let mut counter = Counter::default();
    Ok(twice!(counter.next()))
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn inner_attributes() -> Result<u8, Error> {
    #![allow(unused_variables, unused_mut)]
    //! And documentation.
    let mut unused = 1;
    Ok(1)
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn no_tail() -> Result<u8, Error> {
    loop {
        return Ok(1);
    }
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn diverging() -> Result<u8, Error> {
    panic!("the body does not return")
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn closures_and_blocks(limit: u8) -> Result<Vec<u8>, Error> {
    let squares = (0..limit).map(|n| {
        return n * n;
    });
    let all = async { squares.collect::<Vec<_>>() }.await;
    'found: {
        if all.is_empty() {
            break 'found;
        }
        return Ok(all);
    }
    Ok(Vec::new())
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn inferred_from_the_return_type(text: &str) -> Result<Vec<u64>, AgentError> {
    let numbers = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
    Ok(numbers)
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn into_the_return_type(text: &str) -> Result<Option<String>, AgentError> {
    Ok(if text.is_empty() { None } else { Some(text.into()) })
}

fn main() {}
