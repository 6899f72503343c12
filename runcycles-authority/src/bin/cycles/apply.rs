//! A file of budgets, applied.

use std::error::Error;
use std::io::Write as _;

use runcycles::budgets_file::BudgetsFile;

use crate::arguments::Apply;

/// Compares a file with the server, and makes what differs.
pub(crate) async fn apply(told: Apply) -> Result<String, Box<dyn Error>> {
    let file = BudgetsFile::read(&told.file)?;
    let plan = file.plan(&told.operator.admin()?).await?;
    let mut text = plan.to_string();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if told.dry_run {
        return Ok(text + "Nothing was changed: this was a dry run.\n");
    }
    // What is about to change is told also where a change fails.
    // Where nobody reads it any more, the changes are made all the same.
    let _ = std::io::stdout().write_all(text.as_bytes());
    let made = plan.apply().await?;
    Ok(match made {
        0 => String::new(),
        1 => "1 change was made.\n".to_owned(),
        made => format!("{made} changes were made.\n"),
    })
}
