//! Exclusive XML Canonicalization: the one text of an element that a signature is made over.
//! <https://www.w3.org/TR/xml-exc-c14n/>
//!
//! Comments and processing instructions, which the form leaves out or apart, are in no document that
//! comes here; an element that has one has no form.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Attribute, Node, NodeId};

/// Which form is asked for.
#[derive(Default)]
pub(super) struct Form<'a> {
    /// Prefixes that are declared wherever they are in scope, used or not; `#default` is that of none.
    pub(super) inclusive: Vec<&'a str>,
    /// What is left out: the signature that stands in the element that it signs.
    pub(super) without: Option<NodeId>,
}

/// By prefix: the namespaces that the text above an element has declared.
type Declared<'a> = BTreeMap<&'a str, &'a str>;

impl Form<'_> {
    pub(super) fn of(&self, apex: Node<'_, '_>) -> Option<String> {
        let mut text = String::new();
        self.element(apex, &Declared::new(), &mut text)?;
        Some(text)
    }

    fn element(&self, node: Node<'_, '_>, above: &Declared<'_>, text: &mut String) -> Option<()> {
        let source = node.document().input_text();
        let name = source.get(node.range())?.strip_prefix('<')?;
        let name = name.split(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).next()?;
        let mut attributes = Vec::new();
        for attribute in node.attributes() {
            attributes.push((attribute, source.get(attribute.range_qname())?));
        }
        attributes.sort_by_key(|(a, _)| (a.namespace().unwrap_or_default(), a.name()));

        text.push('<');
        text.push_str(name);
        let mut declared = above.clone();
        for prefix in self.prefixes(name, &attributes) {
            let space = node.lookup_namespace_uri((!prefix.is_empty()).then_some(prefix)).unwrap_or_default();
            if declared.get(prefix).copied().unwrap_or_default() != space {
                declared.insert(prefix, space);
                let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
                written(&name, space, text);
            }
        }
        for (attribute, name) in attributes {
            written(name, attribute.value(), text);
        }
        text.push('>');
        for child in node.children().filter(|child| Some(child.id()) != self.without) {
            match child.is_element() {
                true => self.element(child, &declared, text)?,
                false if child.is_text() => plain(child.text()?, text),
                false => return None,
            }
        }
        text.push_str("</");
        text.push_str(name);
        text.push('>');
        Some(())
    }

    /// In the order in which they are declared. That of XML itself never is.
    fn prefixes<'p>(
        &'p self,
        name: &'p str,
        attributes: &[(Attribute<'_, '_>, &'p str)],
    ) -> BTreeSet<&'p str> {
        let of = |name: &'p str| name.split_once(':').map(|(prefix, _)| prefix);
        let mut used = BTreeSet::from([of(name).unwrap_or_default()]);
        used.extend(attributes.iter().filter_map(|(_, name)| of(name)));
        used.extend(self.inclusive.iter().map(|prefix| if *prefix == "#default" { "" } else { *prefix }));
        used.remove("xml");
        used
    }
}

fn written(name: &str, value: &str, text: &mut String) {
    text.push(' ');
    text.push_str(name);
    text.push_str("=\"");
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '"' => text.push_str("&quot;"),
            '\t' => text.push_str("&#x9;"),
            '\n' => text.push_str("&#xA;"),
            '\r' => text.push_str("&#xD;"),
            _ => text.push(c),
        }
    }
    text.push('"');
}

fn plain(value: &str, text: &mut String) {
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\r' => text.push_str("&#xD;"),
            _ => text.push(c),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what fails here fails the test")]
mod tests {
    use super::*;

    /// The form of the element with this local name.
    fn form(document: &str, apex: &str, inclusive: &[&str]) -> String {
        let document = roxmltree::Document::parse(document).unwrap();
        let apex = document.descendants().find(|n| n.tag_name().name() == apex).unwrap();
        Form { inclusive: inclusive.to_vec(), without: None }.of(apex).unwrap()
    }

    /// Of the recommendation, section 2.2: the same element in two documents.
    #[test]
    fn the_context_of_an_element_does_not_matter() {
        let element = |around: &str| {
            format!(
                r#"<n0:{around} xmlns:n0="foo:bar" xmlns:n3="ftp://example.org"><n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2></n0:{around}>"#
            )
        };
        let expected = r#"<n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>"#;
        assert_eq!(form(&element("local"), "elem2", &[]), expected);
        let second = r#"<n2:pdu xmlns:n1="http://example.com" xmlns:n2="http://foo.example" xml:lang="fr" xml:space="retain"><n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2></n2:pdu>"#;
        assert_eq!(form(second, "elem2", &[]), expected);
    }

    /// Of Canonical XML 1.0, sections 3.3 and 3.4, as far as no document type is needed.
    #[test]
    fn tags_attributes_and_characters() {
        let tags = "<doc>\n   <e1   />\n   <e3   name = \"elem3\"   id=\"elem3\"   />\n   <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n      xmlns:b=\"http://www.ietf.org\"\n      xmlns:a=\"http://www.w3.org\"\n      xmlns=\"http://example.org\"/>\n   <e6 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n      <e7 xmlns=\"http://www.ietf.org\">\n         <e8 xmlns=\"\" xmlns:a=\"http://www.w3.org\"><e9 xmlns=\"\" a:attr=\"1\"/></e8>\n      </e7>\n   </e6>\n</doc>";
        let expected = "<doc>\n   <e1></e1>\n   <e3 id=\"elem3\" name=\"elem3\"></e3>\n   <e5 xmlns=\"http://example.org\" xmlns:a=\"http://www.w3.org\" xmlns:b=\"http://www.ietf.org\" attr=\"I'm\" attr2=\"all\" b:attr=\"sorted\" a:attr=\"out\"></e5>\n   <e6>\n      <e7 xmlns=\"http://www.ietf.org\">\n         <e8 xmlns=\"\"><e9 xmlns:a=\"http://www.w3.org\" a:attr=\"1\"></e9></e8>\n      </e7>\n   </e6>\n</doc>";
        assert_eq!(form(tags, "doc", &[]), expected);
        let characters = "<doc>\r\n   <text>First line&#x0d;&#10;Second line</text>\n   <value>&#x32;</value>\n   <compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>\n   <compute expr='value>\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"'>valid</compute>\n   <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; \t\n'/>\n</doc>";
        let expected = "<doc>\n   <text>First line&#xD;\nSecond line</text>\n   <value>2</value>\n   <compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute>\n   <compute expr=\"value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;\">valid</compute>\n   <norm attr=\" '    &#xD;&#xA;&#x9;   '   \"></norm>\n</doc>";
        assert_eq!(form(characters, "doc", &[]), expected);
    }

    #[test]
    fn listed_prefixes_are_declared_at_the_top() {
        let document = r#"<a xmlns="urn:d" xmlns:x="urn:x" xmlns:y="urn:y"><p:b xmlns:p="urn:p"><p:c y:k="v"/></p:b></a>"#;
        assert_eq!(
            form(document, "b", &[]),
            r#"<p:b xmlns:p="urn:p"><p:c xmlns:y="urn:y" y:k="v"></p:c></p:b>"#
        );
        assert_eq!(
            form(document, "b", &["y", "#default", "unknown"]),
            r#"<p:b xmlns="urn:d" xmlns:p="urn:p" xmlns:y="urn:y"><p:c y:k="v"></p:c></p:b>"#
        );
    }

    #[test]
    fn what_would_be_left_out_has_no_form() {
        for inside in ["<!-- a comment -->", "<?an instruction?>"] {
            let document = format!("<doc><e>{inside}</e></doc>");
            let document = roxmltree::Document::parse(&document).unwrap();
            assert_eq!(Form::default().of(document.root_element()), None);
        }
    }
}
