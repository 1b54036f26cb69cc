//! Places of lake, state and token: on this machine, or in AWS.

use core::fmt;
use std::path::{Path, PathBuf};

use harvest_api::Token;

/// Place of the lake's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LakePlace {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket, and the prefix of all keys: empty, or without a slash at its end.
    Bucket {
        /// Name of the bucket.
        bucket: String,
        /// Prefix of all keys.
        prefix: String,
    },
}

/// Place of the state's items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatePlace {
    /// A `SQLite` file of this machine.
    File(PathBuf),
    /// A `DynamoDB` table of this name.
    Table(String),
}

/// Place of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// The token itself, given by the operator.
    Given(Token),
    /// The parameter of Systems Manager of this name.
    Parameter(String),
    /// The secret of this ARN or name.
    Secret(String),
    /// The login in this file.
    Login(PathBuf),
}

impl LakePlace {
    /// Parses the path of a folder, or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// A sentence that names the fault, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("it is empty: name a folder, or s3://bucket/prefix".to_owned());
        }
        match text.split_once("://") {
            None => Ok(Self::Folder(PathBuf::from(text))),
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let prefix = prefix.trim_end_matches('/');
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                let bad_bucket = bucket.len() < 3 || !bucket.chars().all(plain);
                let bad_part = |part: &str| {
                    part.is_empty() || part == "." || part == ".." || !part.chars().all(plain)
                };
                if bad_bucket || (!prefix.is_empty() && prefix.split('/').any(bad_part)) {
                    return Err(format!(
                        "`{text}` is no place of a lake: write s3://bucket or s3://bucket/prefix, \
                         with letters, digits, `.`, `_` and `-`"
                    ));
                }
                Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
            }
            Some(_) => Err(format!(
                "`{text}` is of no scheme that is known here: name a folder, or s3://bucket/prefix"
            )),
        }
    }

    /// Returns the folder of a local lake.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Bucket { .. } => None,
        }
    }

    /// Returns the path or address of `key` in the lake.
    #[must_use]
    pub fn locate(&self, key: &str) -> String {
        match self {
            Self::Folder(folder) => folder.join(key).display().to_string(),
            Self::Bucket { .. } => format!("{self}/{key}"),
        }
    }
}

impl StatePlace {
    /// Parses the path of a file, or `dynamodb://table`.
    ///
    /// # Errors
    /// A sentence that names the fault, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("it is empty: name a file, or dynamodb://table".to_owned());
        }
        match text.split_once("://") {
            None => Ok(Self::File(PathBuf::from(text))),
            Some(("dynamodb", table)) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                if (3..=255).contains(&table.len()) && table.chars().all(plain) {
                    return Ok(Self::Table(table.to_owned()));
                }
                Err(format!("`{text}` names no table: write dynamodb://table"))
            }
            Some(_) => Err(format!(
                "`{text}` is of no scheme that is known here: name a file, or dynamodb://table"
            )),
        }
    }
}

impl fmt::Display for LakePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl fmt::Display for StatePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Table(table) => write!(f, "dynamodb://{table}"),
        }
    }
}
