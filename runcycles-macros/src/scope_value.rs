//! The derive of `ScopeValue`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DataEnum, DataStruct, DeriveInput, Error, Fields, LitStr, Variant};

use crate::validate::combined;

/// The implementation, or what is wrong with the type.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    syn::parse2(input).and_then(|input| implementation(&input)).unwrap_or_else(|mistake| mistake.to_compile_error())
}

/// Input:
///
/// ```text
/// #[derive(ScopeValue)]
/// enum Team { Engineering, #[scope_value("helpdesk")] Support }
/// ```
///
/// Output:
///
/// ```text
/// impl ScopeValue for Team {
///     fn scope_value(&self) -> Option<String> {
///         Some(String::from(match self { Self::Engineering => "engineering", Self::Support => "helpdesk" }))
///     }
/// }
/// ```
///
/// A struct with one field has the value of the field.
fn implementation(input: &DeriveInput) -> Result<TokenStream, Error> {
    let mut generics = input.generics.clone();
    let value = match &input.data {
        Data::Enum(data) => of_variants(data)?,
        Data::Struct(DataStruct { fields: fields @ (Fields::Unnamed(_) | Fields::Named(_)), .. })
            if fields.len() == 1 =>
        {
            let Some((member, field)) = fields.members().zip(fields).next() else { return Err(refused(input)) };
            let ty = &field.ty;
            let bound = quote_spanned!(ty.span()=> #ty: ::runcycles::ScopeValue);
            generics.make_where_clause().predicates.push(syn::parse2(bound)?);
            quote!(::runcycles::ScopeValue::scope_value(&self.#member))
        }
        _ => return Err(refused(input)),
    };
    let name = &input.ident;
    let (parameters, arguments, clause) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #parameters ::runcycles::ScopeValue for #name #arguments #clause {
            fn scope_value(&self) -> ::core::option::Option<::std::string::String> {
                #value
            }
        }
    })
}

fn refused(input: &DeriveInput) -> Error {
    let message = "`ScopeValue` is derived for an enum without fields, or for a struct with one field; implement it by hand for others";
    Error::new(input.ident.span(), message)
}

/// The text of each variant.
fn of_variants(data: &DataEnum) -> Result<TokenStream, Error> {
    let (mut texts, mut mistakes): (Vec<String>, Vec<Error>) = (Vec::new(), Vec::new());
    for variant in &data.variants {
        match text_of(variant) {
            Ok(text) if texts.contains(&text.to_ascii_lowercase()) => {
                let message = format!(
                    "two variants are {text:?}, as servers compare values; give one another by #[scope_value(\"…\")]"
                );
                mistakes.push(Error::new(variant.ident.span(), message));
            }
            Ok(text) => texts.push(text.to_ascii_lowercase()),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if let Some(mistakes) = mistakes.into_iter().reduce(combined) {
        return Err(mistakes);
    }
    let arms = data.variants.iter().filter_map(|variant| {
        let (name, text) = (&variant.ident, text_of(variant).ok()?);
        Some(quote!(Self::#name => #text))
    });
    Ok(quote!(::core::option::Option::Some(::std::string::String::from(match *self { #(#arms),* }))))
}

/// A variant's text: what its attribute says, or its name in lower case with dashes.
fn text_of(variant: &Variant) -> Result<String, Error> {
    if !matches!(variant.fields, Fields::Unit) {
        let message = "a variant with fields has no value of its own; implement `ScopeValue` by hand";
        return Err(Error::new(variant.ident.span(), message));
    }
    let given = variant.attrs.iter().find(|attribute| attribute.path().is_ident("scope_value"));
    match given.map(Attribute::parse_args::<LitStr>).transpose()? {
        None => Ok(with_dashes(&variant.ident.to_string())),
        Some(text) => {
            let value = text.value();
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            if (1..=128).contains(&value.len()) && value.chars().all(fits) {
                return Ok(value);
            }
            let message = format!("found {value:?}; a level is text of 1 to 128 characters out of A-Z a-z 0-9 _ . -");
            Err(Error::new(text.span(), message))
        }
    }
}

/// `GoldTier` as `gold-tier`.
fn with_dashes(name: &str) -> String {
    let mut text = String::new();
    for c in name.trim_start_matches("r#").chars() {
        if c.is_uppercase() && !text.is_empty() && !text.ends_with(['-', '_']) {
            text.push('-');
        }
        text.extend(c.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::with_dashes;

    #[test]
    fn a_name_of_several_words_gets_dashes() {
        for (name, text) in
            [("Support", "support"), ("GoldTier", "gold-tier"), ("Gpt_4o", "gpt_4o"), ("r#Type", "type")]
        {
            assert_eq!(with_dashes(name), text);
        }
    }
}
