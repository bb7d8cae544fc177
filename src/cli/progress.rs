//! Bars on stderr, where a person looks; nothing where none does.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;

/// A bar over so many items.
pub(super) fn items(console: &Console, count: usize) -> ProgressBar {
    let bar = drawn(console, Some(count as u64), "{bar:40} {pos}/{len} {eta}");
    if count < 2 {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}

/// A bar over bytes; a count alone where nobody knows how many there will be.
pub(super) fn bytes(console: &Console, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        None => "{spinner} {bytes} {bytes_per_sec}",
    };
    drawn(console, total, template)
}

fn drawn(console: &Console, total: Option<u64>, template: &str) -> ProgressBar {
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.set_draw_target(match console.is_watched() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    });
    // A template that cannot be read leaves the default one.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}
