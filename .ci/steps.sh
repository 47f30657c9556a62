# Sourced by the scripts next to it, at the root of the checkout: a clean environment, and `step`, which goes on after a
# failure and shows what the step printed. With show_figures set, a step that passes shows its last lines, too.

# The caller's key and settings must not change a result, and a run leaves no picture behind.
for name in ${!DOITONG_@} ${!FLUX_@}; do unset "$name"; done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export CI=true NO_COLOR=1 npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false
unset FORCE_COLOR

# A hanging step ends too.
limit() {
  if command -v timeout >/dev/null; then timeout --kill-after=10 "$@"; else shift && "$@"; fi
}

passed=0
failed=0

# step NAME SECONDS COMMAND…
step() {
  local name=$1 seconds=$2 start=$SECONDS status=0
  shift 2
  limit "$seconds" "$@" >"$scratch/output" 2>&1 </dev/null || status=$?
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
    printf 'ok    %s (%s s)\n' "$name" "$((SECONDS - start))"
    if [ -n "${show_figures:-}" ]; then grep -v '^[[:space:]]*$' "$scratch/output" | tail -n 3 | sed 's/^/      /'; fi
    return
  fi
  failed=$((failed + 1))
  if [ "$status" -eq 124 ]; then printf 'FAIL  %s (no end within %s s)\n' "$name" "$seconds"
  else printf 'FAIL  %s (exit code %s, %s s)\n' "$name" "$status" "$((SECONDS - start))"; fi
  sed 's/^/      /' "$scratch/output"
}
