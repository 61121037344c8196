import { isBuiltin } from 'node:module';
import type { Plugin } from 'rolldown';

/** Modules that take long to load and that many runs of a program do not need: they are loaded when something of them is used. */
const deferred = ['child_process', 'dgram', 'dns', 'dns/promises', 'http', 'https', 'tls', 'zlib'].map(
  (name) => `node:${name}`,
);
const prefix = '\0required:';

/**
 * Takes Node's own modules, and packages outside the bundle, as `require` does. An `import` of one of Node's reads each of its exports,
 * which loads what nobody here uses: `WebSocket` with `node:http`, Web Crypto with `node:crypto`, file streams with `node:fs`; native
 * packages do such imports, too. Together that takes longer than Node itself to start.
 * @param isExternal whether an import leads out of the bundle
 */
export function required(isExternal: (id: string) => boolean): Plugin {
  return {
    name: 'required',
    resolveId(id, importer) {
      if (importer?.startsWith(prefix)) return { id, external: true };
      const name = isBuiltin(id) ? `node:${id.replace(/^node:/, '')}` : id;
      // The bundle's own runtime imports this one.
      if (name === 'node:module' || !(isBuiltin(id) || isExternal(id))) return null;
      return { id: prefix + name, moduleSideEffects: isExternal(id) };
    },
    load(id) {
      if (!id.startsWith(prefix)) return null;
      const name = id.slice(prefix.length);
      if (!isBuiltin(name)) return { code: `module.exports = require('${name}');\n` };
      return { code: deferred.includes(name) ? deferredModule(name) : `module.exports = ${builtin(name)};\n` };
    },
  };
}

const builtin = (name: string): string => `process.getBuiltinModule('${name}')`;

function deferredModule(name: string): string {
  const getters = Object.keys(process.getBuiltinModule(name) as object).map(
    (key) => `  get ${key}() { return ${builtin(name)}.${key}; },\n`,
  );
  return `module.exports = {\n${getters.join('')}};\n`;
}
