//! Pure. The registry that images are pushed to during development, and the names that they get there.

use crate::model::image::{Reference, ReferenceError, Selector};
use crate::model::quote::quoted;
use thiserror::Error;

/// Where to push images to. Without a host, images keep their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// The registry as we reach it, perhaps with the beginning of a path.
    pub host: String,
    /// The same registry as the cluster reaches it, if that differs.
    pub host_from_cluster: String,
    /// If not empty, every image is pushed under this one name, and only tags tell them apart.
    pub single_name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegistryError {
    #[error("host: Required value")]
    NoHost,
    #[error("{field}: Invalid value: {}: {source}", quoted(host))]
    BadHost {
        field: &'static str,
        host: String,
        source: ReferenceError,
    },
    #[error("[{0}, {1}]")]
    Several(Box<RegistryError>, Box<RegistryError>),
    #[error("Error parsing {name} after applying default registry {host}: {source}")]
    BadName {
        name: String,
        host: String,
        source: ReferenceError,
    },
}

impl Registry {
    /// Whether the hosts can begin the name of an image.
    pub fn validate(&self) -> Result<(), RegistryError> {
        let host = if self.host.is_empty() {
            Err(RegistryError::NoHost)
        } else {
            check_host("host", &self.host)
        };
        let cluster = if self.host_from_cluster.is_empty() {
            Ok(())
        } else {
            check_host("hostFromContainerRuntime", &self.host_from_cluster)
        };
        match (host, cluster) {
            (Err(one), Err(other)) => Err(RegistryError::Several(one.into(), other.into())),
            (host, cluster) => host.and(cluster),
        }
    }

    /// The name that the image is built and pushed under.
    pub fn local_name(&self, image: &Selector) -> Result<Reference, RegistryError> {
        self.name_at(&self.host, image)
    }

    /// The name that the cluster pulls the image by.
    pub fn cluster_name(&self, image: &Selector) -> Result<Reference, RegistryError> {
        let own = !self.host.is_empty() && !self.host_from_cluster.is_empty();
        self.name_at(if own { &self.host_from_cluster } else { &self.host }, image)
    }

    fn name_at(&self, host: &str, image: &Selector) -> Result<Reference, RegistryError> {
        let familiar = image.reference.familiar_name();
        // Some write the registry's name into their YAML themselves.
        let there = familiar.strip_prefix(host).is_some_and(|rest| rest.starts_with('/'));
        if host.is_empty() || there {
            return Ok(image.reference.without_tag());
        }
        let name = if self.single_name.is_empty() {
            format!("{host}/{}", escape(&familiar))
        } else {
            format!("{host}/{}", self.single_name)
        };
        Reference::parse_canonical(&name).map_err(|source| RegistryError::BadName {
            name,
            host: host.to_owned(),
            source,
        })
    }

    /// The tag for an image whose content has the tag `content`. Under a single name it must tell the image, too.
    pub fn tag(&self, image: &Selector, content: &str) -> String {
        if self.host.is_empty() || self.single_name.is_empty() {
            return content.to_owned();
        }
        let path = image.reference.path();
        let basename = path.rsplit('/').next().unwrap_or(path);
        format!("{}-{content}", escape(basename))
    }
}

/// What separates the parts of a name cannot stand inside one.
fn escape(name: &str) -> String {
    name.replace(['/', ':', '@'], "_")
}

fn check_host(field: &'static str, host: &str) -> Result<(), RegistryError> {
    match Reference::parse_canonical(&format!("{host}/fake")) {
        Ok(_) => Ok(()),
        Err(source) => Err(RegistryError::BadHost {
            field,
            host: host.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(host: &str, host_from_cluster: &str, single_name: &str) -> Registry {
        Registry {
            host: host.to_owned(),
            host_from_cluster: host_from_cluster.to_owned(),
            single_name: single_name.to_owned(),
        }
    }

    fn selector(text: &str) -> Selector {
        Selector::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn images_get_a_flat_name_in_the_registry() {
        let table = [
            ("myreg.com", "gcr.io/foo/bar:tag", "myreg.com/gcr.io_foo_bar"),
            ("a_b.aws.com/bar", "gcr.io/x/foo", "a_b.aws.com/bar/gcr.io_x_foo"),
            ("gcr.io/foo", "docker.io/library/busybox", "gcr.io/foo/busybox"),
            ("gcr.io/foo", "bar", "gcr.io/foo/bar"),
            ("myreg.com", "myreg.com/bar", "myreg.com/bar"),
            ("myreg.com:5000", "myreg.com:5000/bar", "myreg.com:5000/bar"),
            ("myreg.com:5000", "myreg.com/bar", "myreg.com:5000/myreg.com_bar"),
            ("myreg.com", "myreg.com:5000/bar", "myreg.com/myreg.com_5000_bar"),
            ("", "bar:tag", "docker.io/library/bar"),
        ];
        for (host, image, expected) in table {
            let name = registry(host, "", "").local_name(&selector(image));
            assert_eq!(name.map(|it| it.to_string()), Ok(expected.to_owned()), "{image}");
        }
    }

    #[test]
    fn the_cluster_may_know_the_registry_by_another_name() {
        let both = |registry: Registry| {
            let image = selector("gcr.io/a/b");
            let names = [registry.local_name(&image), registry.cluster_name(&image)];
            names.map(|name| name.expect("a name").to_string())
        };
        let names = both(registry("localhost:1", "registry:1", ""));
        assert_eq!(names, ["localhost:1/gcr.io_a_b", "registry:1/gcr.io_a_b"]);
        let names = both(registry("localhost:1", "", ""));
        assert_eq!(names, ["localhost:1/gcr.io_a_b", "localhost:1/gcr.io_a_b"]);
        assert_eq!(both(registry("", "", "")), ["gcr.io/a/b", "gcr.io/a/b"]);
    }

    #[test]
    fn under_a_single_name_the_tag_tells_the_image() {
        let single = registry("myreg.com", "", "team/dev");
        let image = selector("gcr.io/foo/bar");
        let name = single.local_name(&image).expect("a name").to_string();
        assert_eq!(name, "myreg.com/team/dev");
        assert_eq!(single.tag(&image, "tilt-1"), "bar-tilt-1");
        assert_eq!(registry("myreg.com", "", "").tag(&image, "tilt-1"), "tilt-1");
    }

    #[test]
    fn hosts_must_be_able_to_begin_a_name() {
        let table = [
            (registry("localhost:5005", "registry:5000", ""), ""),
            (registry("gcr.io/foo", "", ""), ""),
            (registry("", "", ""), "host: Required value"),
            (
                registry("foo", "", ""),
                "host: Invalid value: \"foo\": repository name must be canonical",
            ),
            (
                registry("http://a.b", "", ""),
                "host: Invalid value: \"http://a.b\": invalid reference format",
            ),
            (
                registry("a.b", "c d", ""),
                "hostFromContainerRuntime: Invalid value: \"c d\": invalid reference format",
            ),
            (
                registry("", "c d", ""),
                "[host: Required value, hostFromContainerRuntime: Invalid value: \"c d\": invalid reference format]",
            ),
        ];
        for (registry, expected) in table {
            let message = registry.validate().err().map(|it| it.to_string());
            assert_eq!(message.unwrap_or_default(), expected);
        }
        let odd = registry("myreg.com", "", "Team").local_name(&selector("a"));
        let expected = "Error parsing myreg.com/Team after applying default registry myreg.com: invalid reference \
                        format: repository name (Team) must be lowercase";
        assert_eq!(odd.expect_err("uppercase").to_string(), expected);
    }
}
