//! Functions that macros write.
#![deny(warnings)]

use runcycles::{Error, cycles, usd};

macro_rules! tools {
    ($( $name:ident($($argument:ident: $ty:ty),*) -> $result:ty, $price:expr, $kind:literal, $agent:expr => $body:expr; )*) => {
        $( #[cycles($price, $kind, agent = $agent, actual = output.len() as u64 + $price)]
        pub async fn $name($($argument: $ty),*) -> $result {
            $body
        } )*
    };
}

tools! {
    search(query: &str) -> Result<String, Error>, 1 + 2, "tool.search", query => Ok(query.to_owned());
    upper(text: String) -> Result<String, Error>, 5_000_000_000, "tool.upper", &text => Ok(text.to_uppercase());
}

macro_rules! whole {
    ($function:item) => {
        #[cycles(usd!(0.02), "llm.completion", action_name = stringify!(inside))]
        $function
    };
}

whole! {
    pub async fn inside(text: &str) -> Result<&str, Error> {
        Ok(text)
    }
}

fn main() {}
