//! The future is `Send` where the body is, whatever the arguments of the attribute hold on to.
#![deny(warnings)]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Mutex;

use async_trait::async_trait;
use runcycles::{Error, cycles, usd};

#[cycles(usd!(0.02), "llm.completion", agent = Rc::new(user).as_ref(), workflow = names.lock().unwrap().as_str())]
pub async fn temporaries(user: &str, names: &Mutex<String>) -> Result<usize, Error> {
    let length = names.lock().unwrap().len();
    tokio::task::yield_now().await;
    Ok(user.len() + length)
}

#[cycles(usd!(0.02), "llm.completion", workflow = cell.get(), actual = |n| *n)]
pub async fn not_sync(cell: Cell<u64>) -> Result<u64, Error> {
    tokio::task::yield_now().await;
    cell.set(cell.get() + 1);
    Ok(cell.get())
}

#[cycles(usd!(0.02), "llm.completion", agent = user)]
pub async fn generic<T: Send, E: From<Error> + Send>(user: &str, value: T) -> Result<T, E> {
    let _ = user;
    tokio::task::yield_now().await;
    Ok(value)
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn borrowing<'a, 'b>(first: &'a str, second: &'b mut [u8]) -> Result<(&'a str, &'b mut u8), Error> {
    tokio::task::yield_now().await;
    Ok((first, &mut second[0]))
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn not_send(value: Rc<u8>) -> Result<Rc<u8>, Error> {
    tokio::task::yield_now().await;
    Ok(value)
}

pub struct Nested;

#[async_trait]
pub trait Outer {
    async fn outer(&self, user: &str) -> anyhow::Result<usize>;
}

#[async_trait]
impl Outer for Nested {
    #[cycles(usd!(0.02), "llm.completion", agent = user)]
    async fn outer(&self, user: &str) -> anyhow::Result<usize> {
        let names = Mutex::new(String::new());
        Ok(temporaries(user, &names).await?)
    }
}

fn assert_send<T: Send>(_: T) {}

fn main() {
    let names = Mutex::new(String::new());
    assert_send(temporaries("user", &names));
    assert_send(not_sync(Cell::new(1)));
    assert_send(generic::<_, Error>("user", 1));
    assert_send(borrowing("first", &mut [1]));
    assert_send(Nested.outer("user"));
    drop(not_send(Rc::new(1)));
}
