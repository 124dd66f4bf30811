export async function parserCommand(_options: ReadonlyMap<string, string>): Promise<boolean> {
  return true;
}
