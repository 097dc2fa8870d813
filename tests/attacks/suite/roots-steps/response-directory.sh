# leaves a directory where its answer should be
wall='kind of the file that was opened'
ways=cage
no_control='a naive step fails on it as well: what is shown is that the failure is recorded'
attack() { rm -f "$CONOS_DRAFTS/response" && mkdir -p "$CONOS_DRAFTS/response/deep" && later; }
harm() { holds "$mine/claimed" || holds "$mine/drafts"; }
record() { recorded task.failed empty-output; }
