//! Pure. What is told while something is deployed.

/// One or several whole lines for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Info,
    Warn,
}

/// Gets lines as they come; must not block.
pub type Say<'a> = &'a (dyn Fn(Line) + Send + Sync);

impl Line {
    pub fn info(text: impl Into<String>) -> Line {
        Line {
            level: Level::Info,
            text: text.into(),
        }
    }

    pub fn warn(text: impl Into<String>) -> Line {
        Line {
            level: Level::Warn,
            text: text.into(),
        }
    }
}
