//! The hosts of model providers, and how a host is matched.

/// The hosts of model providers.
pub(super) const MODEL_PROVIDERS: &[&str] = &[
    // OpenAI, and its models at Azure and GitHub
    "api.openai.com",
    "*.openai.azure.com",
    "*.services.ai.azure.com",
    "*.inference.ai.azure.com",
    "*.cognitiveservices.azure.com",
    "models.inference.ai.azure.com",
    "models.github.ai",
    "api.githubcopilot.com",
    // Anthropic
    "api.anthropic.com",
    // Google
    "generativelanguage.googleapis.com",
    "aiplatform.googleapis.com",
    "*-aiplatform.googleapis.com",
    // Amazon
    "bedrock-runtime*.*.amazonaws.com",
    "bedrock-agent-runtime*.*.amazonaws.com",
    "runtime.sagemaker.*.amazonaws.com",
    // Others that make models
    "api.mistral.ai",
    "codestral.mistral.ai",
    "api.cohere.com",
    "api.cohere.ai",
    "api.deepseek.com",
    "api.x.ai",
    "api.ai21.com",
    "api.perplexity.ai",
    "api.moonshot.ai",
    "api.moonshot.cn",
    "api.minimax.io",
    "api.z.ai",
    "open.bigmodel.cn",
    "dashscope.aliyuncs.com",
    "dashscope-intl.aliyuncs.com",
    "api.voyageai.com",
    "api.jina.ai",
    "api.stability.ai",
    "api.elevenlabs.io",
    "api.deepgram.com",
    "api.assemblyai.com",
    "api.runwayml.com",
    "api.dev.runwayml.com",
    // Others that run them
    "openrouter.ai",
    "api.groq.com",
    "api.together.xyz",
    "api.together.ai",
    "api.fireworks.ai",
    "api.cerebras.ai",
    "api.sambanova.ai",
    "integrate.api.nvidia.com",
    "ai.api.nvidia.com",
    "api.deepinfra.com",
    "api.hyperbolic.xyz",
    "api.novita.ai",
    "api.lepton.ai",
    "api.studio.nebius.com",
    "api.replicate.com",
    "fal.run",
    "router.huggingface.co",
    "api-inference.huggingface.co",
    "*.endpoints.huggingface.cloud",
    "gateway.ai.cloudflare.com",
    "ai-gateway.vercel.sh",
];

/// The patterns of a tripwire from the start.
pub(super) fn model_providers() -> Vec<HostPattern> {
    MODEL_PROVIDERS.iter().map(|pattern| HostPattern::new(pattern)).collect()
}

/// The last labels of hosts, each with at most one `*` for any part of it.
#[derive(Clone, Debug)]
pub(super) struct HostPattern {
    /// From the last to the first.
    labels: Vec<Label>,
}

#[derive(Clone, Debug)]
enum Label {
    Exactly(String),
    Around { before: String, after: String },
}

impl HostPattern {
    pub(super) fn new(pattern: &str) -> Self {
        let pattern = pattern.trim_matches('.').to_ascii_lowercase();
        let labels = pattern.rsplit('.').map(|label| match label.split_once('*') {
            Some((before, after)) => Label::Around { before: before.to_owned(), after: after.to_owned() },
            None => Label::Exactly(label.to_owned()),
        });
        Self { labels: labels.collect() }
    }

    /// Whether a host, of any case and with or without a last dot, ends with these labels.
    pub(super) fn matches(&self, host: &str) -> bool {
        let mut labels = host.trim_end_matches('.').rsplit('.');
        self.labels.iter().all(|pattern| labels.next().is_some_and(|label| pattern.matches(label)))
    }
}

impl Label {
    fn matches(&self, label: &str) -> bool {
        match self {
            Self::Exactly(expected) => label.eq_ignore_ascii_case(expected),
            Self::Around { before, after } => {
                let (start, end) = (label.get(..before.len()), label.len().checked_sub(after.len()));
                let end = end.filter(|end| *end >= before.len()).and_then(|end| label.get(end..));
                start.is_some_and(|start| start.eq_ignore_ascii_case(before))
                    && end.is_some_and(|end| end.eq_ignore_ascii_case(after))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HostPattern, model_providers};

    #[test]
    fn a_host_is_matched_by_its_last_labels_in_any_case() {
        let pattern = HostPattern::new("openai.com");
        assert!(["openai.com", "api.openai.com", "EU.api.OpenAI.com."].iter().all(|host| pattern.matches(host)));
        assert!(!["notopenai.com", "openai.com.evil.io", "com", ""].iter().any(|host| pattern.matches(host)));
    }

    #[test]
    fn a_star_stands_for_any_part_of_one_label() {
        let pattern = HostPattern::new("us*-aiplatform.googleapis.com");
        assert!(pattern.matches("us-central1-aiplatform.googleapis.com"));
        assert!(pattern.matches("us-aiplatform.googleapis.com"));
        assert!(!pattern.matches("us.central1-aiplatform.googleapis.com"));
        assert!(!pattern.matches("aiplatform.googleapis.com"));
        assert!(!HostPattern::new("ab*bc").matches("abc"), "the parts do not overlap");
        assert!(!HostPattern::new("a*").matches("ä"), "no text is cut within a character");
    }

    #[test]
    fn regional_hosts_of_providers_are_known_and_others_are_not() {
        let known = |host: &str| model_providers().iter().any(|pattern| pattern.matches(host));
        assert!(known("bedrock-runtime.eu-central-1.amazonaws.com"));
        assert!(known("bedrock-runtime-fips.us-east-1.amazonaws.com"));
        assert!(known("my-resource.openai.azure.com"));
        assert!(known("europe-west4-aiplatform.googleapis.com"));
        assert!(!known("s3.eu-central-1.amazonaws.com"));
        assert!(!known("storage.googleapis.com"));
        assert!(!known("openai.azure.com.example.com"));
    }
}
