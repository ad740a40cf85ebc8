//! How often something is tried again, and how long is waited before.

use std::time::Duration;

use crate::world::registry::RegistryError;

#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// In all, the first time included.
    pub tries: u32,
    /// Before the second try; twice as long before each one after.
    pub first: Duration,
    /// All waiting of one request together. Who asks for more is believed, and told so.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            tries: 5,
            first: Duration::from_millis(300),
            longest: Duration::from_secs(60),
        }
    }
}

/// A try that failed.
#[derive(Debug)]
pub struct Failure {
    pub error: RegistryError,
    pub again: Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    Never,
    Soon,
    After(Duration),
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Failure {
        Failure {
            error,
            again: Again::Never,
        }
    }
}

pub struct Tries {
    patience: Patience,
    made: u32,
    waited: Duration,
}

impl Tries {
    pub fn new(patience: Patience) -> Tries {
        Tries {
            patience,
            made: 1,
            waited: Duration::ZERO,
        }
    }

    /// Waits for the next try, if there is to be one.
    pub async fn again(&mut self, failure: Failure) -> Result<(), RegistryError> {
        let usual = self.patience.first * 2u32.saturating_pow(self.made - 1);
        let wait = match failure.again {
            Again::Never => return Err(failure.error),
            Again::Soon => usual,
            Again::After(wait) => wait.max(usual),
        };
        if self.made >= self.patience.tries || self.waited + wait > self.patience.longest {
            return Err(failure.error);
        }
        self.made += 1;
        self.waited += wait;
        tokio::time::sleep(wait).await;
        Ok(())
    }
}
