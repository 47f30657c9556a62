/** Replaced by the build with the version of package.json; absent when run from source. */
declare const __FLUX_PRO_MCP_VERSION__: string | undefined;

export const VERSION: string = typeof __FLUX_PRO_MCP_VERSION__ === 'string' ? __FLUX_PRO_MCP_VERSION__ : '0.0.0-dev';
