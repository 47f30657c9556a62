/** The types of third-party-licenses.mjs, for its test. */
import type { BundledPackage } from './sbom.mjs';

type LicensedPackage = BundledPackage & { text: string };

export function bundledPackages(
  root: string,
  inputs: readonly string[],
  assets: readonly string[],
): Promise<LicensedPackage[]>;
export function licenseTexts(packages: readonly LicensedPackage[]): string;
