//! A checkout on disk, as `local_git_repo()` returns it: a path that can be asked for paths below it.

use std::fmt;
use std::path::{Path, PathBuf};

use starlark::environment::{Methods, MethodsBuilder, MethodsStatic};
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkPagable, StarlarkValue, starlark_value};
use starlark::{starlark_module, starlark_simple_value};

use crate::model::path;

#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagable, allocative::Allocative)]
pub struct GitRepo {
    path: String,
}

starlark_simple_value!(GitRepo);

impl GitRepo {
    pub fn new(path: PathBuf) -> GitRepo {
        GitRepo {
            path: path.display().to_string(),
        }
    }

    pub fn path(&self) -> &Path {
        Path::new(&self.path)
    }
}

impl fmt::Display for GitRepo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[git.Repo] '{}'", self.path)
    }
}

#[starlark_value(type = "git.Repo")]
impl<'v> StarlarkValue<'v> for GitRepo {
    fn get_methods() -> Option<&'static Methods> {
        static METHODS: MethodsStatic = MethodsStatic::new(module_path!(), methods);
        Some(METHODS.methods())
    }
}

#[starlark_module]
fn methods(builder: &mut MethodsBuilder) {
    /// The absolute path of something in the checkout.
    fn paths(this: &GitRepo, paths: &str) -> anyhow::Result<String> {
        Ok(path::join(this.path(), paths).display().to_string())
    }
}
