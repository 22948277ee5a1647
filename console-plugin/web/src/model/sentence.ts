//! Marks a sentence that pure code only names and a component translates. Who: models with texts for people.
//! **Invariant:** the sentence is its own key; `tools/i18n.js` finds it by this call.
export const sentence = (text: string): string => text;
