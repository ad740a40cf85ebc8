//! Pure. The frame around the steps of an update: what opens each of them, and the sum at the end. Steps may run beside one
//! another here.

use std::time::Duration;

use crate::build::frame;
use crate::model::build::{ImageTarget, Recipe};

/// What is done, as its heading names it.
pub fn building(target: &ImageTarget) -> String {
    let image = target.selector.to_string();
    match &target.recipe {
        Recipe::Docker(_) | Recipe::Compose(_) => frame::building_dockerfile(&image),
        Recipe::Custom(_) | Recipe::Pack(_) => frame::building_custom(&image),
    }
}

pub fn heading((number, of): (usize, usize), what: &str) -> String {
    format!("STEP {number}/{of} — {what}")
}

/// A line of what a step does.
pub fn indented(text: &str) -> String {
    text.lines().map(frame::line).collect::<Vec<_>>().join("\n")
}

/// Each step with the time it took, and all of them.
pub fn footer(steps: &[(String, Duration)], total: Duration) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (number, (what, took)) in (1..).zip(steps) {
        lines.push(frame::line(&format!("Step {number} - {} ({what})", seconds(*took))));
    }
    lines.push(frame::line(&format!("DONE IN: {} ", seconds(total))));
    lines.join("\n")
}

fn seconds(took: Duration) -> String {
    format!("{:.2}s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_names_every_step_with_its_time() {
        let steps = [
            ("Building Dockerfile: [web]".to_owned(), Duration::from_millis(104)),
            ("Deploying".to_owned(), Duration::from_millis(31)),
        ];
        let expected = "     Step 1 - 0.10s (Building Dockerfile: [web])\n     Step 2 - 0.03s (Deploying)\n     \
                        DONE IN: 0.14s ";
        assert_eq!(footer(&steps, Duration::from_millis(135)), expected);
        assert_eq!(heading((1, 2), "Deploying"), "STEP 1/2 — Deploying");
    }
}
