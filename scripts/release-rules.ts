/** What must agree before a version is published, as pure functions over the files that say it. */

export type ReleaseFiles = {
  manifest: {
    version: string;
    mcpName: string;
    repository: { url: string };
    bugs: { url: string };
    homepage: string;
  };
  lock: { version: string; packages: Readonly<Record<string, { version?: string }>> };
  changelog: string;
  security: string;
};

/** The kinds of changes that Keep a Changelog knows. */
const CHANGE_KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
const UNRELEASED = '[Unreleased]';
const VERSION = /^\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d{2}-\d{2}$/;

/** One sentence for each thing that is wrong with publishing `tag`. */
export function releaseProblems(tag: string, { manifest, lock, changelog, security }: ReleaseFiles): string[] {
  const { version } = manifest;
  const problems = [...changelogProblems(changelog), ...addressProblems(manifest, security)];
  if (tag !== `v${version}`) problems.push(`the tag is ${tag}, and package.json has version ${version}`);
  for (const locked of new Set([lock.version, lock.packages['']?.version])) {
    if (locked !== version) problems.push(`package-lock.json has version ${locked}, package.json ${version}`);
  }
  const [section] = sections(changelog).filter(({ title }) => title.startsWith(`[${version}] - `));
  if (section === undefined) problems.push(`CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD"`);
  else if (!/^- \S/m.test(section.body)) problems.push(`CHANGELOG.md says nothing about ${version}`);
  return problems;
}

export function changelogProblems(changelog: string): string[] {
  const titles = sections(changelog).map(({ title }) => title);
  const problems: string[] = [];
  if (titles[0] !== UNRELEASED) problems.push(`CHANGELOG.md does not begin with "## ${UNRELEASED}"`);
  const released = titles.filter((title) => title !== UNRELEASED);
  for (const title of released) {
    if (!VERSION.test(title)) problems.push(`CHANGELOG.md: "## ${title}" is not "## [1.2.3] - YYYY-MM-DD"`);
  }
  const newestFirst = released.toSorted((one, other) => other.localeCompare(one, 'en', { numeric: true }));
  if (newestFirst.join() !== released.join()) problems.push('CHANGELOG.md does not have the newest version first');
  for (const [, kind = ''] of changelog.matchAll(/^### (.*)$/gm)) {
    if (!CHANGE_KINDS.includes(kind))
      problems.push(`CHANGELOG.md: "### ${kind}" is not one of ${CHANGE_KINDS.join(', ')}`);
  }
  return problems;
}

/** npm refuses provenance from another repository than the one that is named; the other addresses follow from it. */
export function addressProblems(manifest: ReleaseFiles['manifest'], security: string): string[] {
  const { repository, bugs, homepage, mcpName } = manifest;
  const [, address, owner] = /^git\+(https:\/\/github\.com\/([\w.-]+)\/[\w.-]+)\.git$/.exec(repository.url) ?? [];
  if (address === undefined) return [`package.json: repository.url is not git+https://github.com/OWNER/NAME.git`];
  const wanted: readonly [boolean, string][] = [
    [bugs.url === `${address}/issues`, `package.json: bugs.url is not ${address}/issues`],
    [homepage === `${address}#readme`, `package.json: homepage is not ${address}#readme`],
    [mcpName.startsWith(`io.github.${owner}/`), `package.json: mcpName does not begin with io.github.${owner}/`],
    [
      security.includes(`(${address}/security/advisories/new)`),
      `SECURITY.md does not name ${address}/security/advisories/new`,
    ],
  ];
  return wanted.filter(([isRight]) => !isRight).map(([, problem]) => problem);
}

function sections(changelog: string): { title: string; body: string }[] {
  const [, ...parts] = changelog.split(/^## /m);
  return parts.map((part) => {
    const [title = '', ...lines] = part.split('\n');
    return { title: title.trim(), body: lines.join('\n') };
  });
}
