// Names of locales, as `locale-collate` takes them: "C", "POSIX", "en_US.UTF-8", "de_DE@euro".
//
// Redis asks the C library, which knows the locales installed on the machine. Here the collation
// tables are those of the JavaScript engine, so every locale that it knows is accepted.

const ENCODING_AND_MODIFIER = /[.@].*$/;

/** The BCP 47 tag of a POSIX locale name; undefined means plain byte order. */
export function collationTag(name: string): string | undefined {
  const base = name.replace(ENCODING_AND_MODIFIER, '');
  return base === '' || base === 'C' || base === 'POSIX' ? undefined : base.replaceAll('_', '-');
}

export function isKnownLocale(name: string): boolean {
  const tag = collationTag(name);
  if (tag === undefined) return true;
  try {
    return Intl.Collator.supportedLocalesOf(tag).length > 0;
  } catch {
    return false; // not even the form of a tag
  }
}
