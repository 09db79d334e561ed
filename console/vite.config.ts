import { preact } from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";

const api = process.env.BELLWETHER_SCORING_URL ?? "http://127.0.0.1:8020";

// The page itself forbids everything that it does not use; a proxy may forbid more.
// connect-src stays open to http(s) because notify's address is only known at run time.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self' http: https:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

function contentSecurityPolicy(): Plugin {
  return {
    name: "bellwether-csp",
    apply: "build", // the dev server injects inline styles
    transformIndexHtml: () => [
      {
        tag: "meta",
        attrs: { "http-equiv": "Content-Security-Policy", content: policy },
        injectTo: "head-prepend",
      },
    ],
  };
}

export default defineConfig({
  base: "./",
  plugins: [preact(), contentSecurityPolicy()],
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: { host: "127.0.0.1", proxy: { "/v1": api, "/readyz": api } },
});
