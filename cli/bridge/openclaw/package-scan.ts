/**
 * What ClawHub's static scan reports in packages, as far as a backup tool can set it off: its reason codes and what
 * each looks for, in our own words (spec/agent.md says where the real one is). Tests only.
 */
interface Rule {
  readonly code: string
  readonly files: RegExp
  /** All must be in one file. */
  readonly all: readonly RegExp[]
}

const CODE = /\.[cm]?[jt]s$/
const TEXT = /\.md$/
const ANY = /\.(?:[cm]?[jt]s|md|json)$/
const SENDS = /\bfetch\s*\(|http\.request\s*\(|\baxios\b/

const RULES: readonly Rule[] = [
  {
    code: "suspicious.dangerous_exec",
    files: CODE,
    all: [/child_process/, /(?<![\w$.])(?:exec|spawn|execFile)(?:Sync)?\s*\(/],
  },
  {
    code: "suspicious.dynamic_code_execution",
    files: CODE,
    all: [/(?<![\w$.])eval\s*\(|new\s+Function\s*\(/],
  },
  { code: "suspicious.env_credential_access", files: CODE, all: [/process\.env/, SENDS] },
  {
    code: "suspicious.potential_exfiltration",
    files: CODE,
    all: [
      SENDS,
      /readFile(?:Sync)?\s*\([^)]*(?:secret|token|credential|passw|private[-_]?key|session|auth|\.env\b|\.config\/)/i,
    ],
  },
  {
    code: "suspicious.obfuscated_code",
    files: CODE,
    all: [/(?:\\x[0-9a-f]{2}){6}|(?:atob|Buffer\.from)\s*\(\s*["'][\w+/=]{200}/i],
  },
  {
    code: "suspicious.insecure_tls_verification",
    files: CODE,
    all: [/rejectUnauthorized\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED/i],
  },
  { code: "suspicious.nonstandard_network", files: CODE, all: [/new\s+WebSocket\s*\(\s*["']wss?:[^"']*:\d/] },
  {
    code: "suspicious.exposed_secret_literal",
    files: ANY,
    all: [
      /\b(?:(?:api|client|access|secret|private)[_-]?(?:key|secret|token)|password)["']?\s*[:=]\s*["'](?!.*your)[\w+/=-]{16,}["']/i,
    ],
  },
  {
    code: "suspicious.secret_argv_exposure",
    files: TEXT,
    all: [
      /\b(?:npx|node|python3?|docker run)\b.*--(?:password|token|private-key|seed|mnemonic)\s+["'<$]?[\w<$]{4}/i,
    ],
  },
  {
    code: "suspicious.credential_exposure_instructions",
    files: TEXT,
    all: [/\bsave (?:it|the (?:token|secret|credential|key)) to (?:your )?(?:memory|conversation|chat)/i],
  },
  {
    code: "suspicious.destructive_delete_command",
    files: ANY,
    all: [/\brm\s+-\w*r\w*f\w*\s+["']?(?:~|\$\{?HOME\}?|\/\w+)\S*\//],
  },
  {
    code: "suspicious.confirmation_bypass",
    files: ANY,
    all: [/SAFE_EXEC_AUTO_CONFIRM|OPENCLAW_AGENT_CALL|AUTO_CONFIRM/],
  },
  {
    code: "suspicious.install_untrusted_source",
    files: ANY,
    all: [/\b(?:curl|wget)\b[^|\n]*\|\s*(?:ba)?sh\b|\bnpx\b.*@latest|https?:\/\/\d+\.\d+\.\d+\.\d+/],
  },
  { code: "suspicious.privileged_always", files: ANY, all: [/["']?\balways["']?\s*:\s*true/] },
  {
    code: "suspicious.prompt_injection_instructions",
    files: TEXT,
    all: [/ignore (?:all )?(?:previous|prior) instructions|you are now\b|system prompt override/i],
  },
  {
    code: "malicious.install_terminal_payload",
    files: TEXT,
    all: [/\bcurl\b/, /\bterminal\b/i, /\|\s*(?:ba)?sh\b/],
  },
]

export const CODES: readonly string[] = RULES.map(({ code }) => code)

/** @returns "code: path" for each rule that the file breaks */
export function scanFile(path: string, text: string): string[] {
  return RULES.filter(({ files, all }) => files.test(path) && all.every((one) => one.test(text))).map(
    ({ code }) => `${code}: ${path}`,
  )
}
