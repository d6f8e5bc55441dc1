<?php
namespace Deployer;

require 'recipe/laravel.php';

set('application', 'laravel');
set('repository', 'git@github.com:example/laravel.git');
set('keep_releases', 5);

// Katakei runs Deployer once for each server, and says which one it is.
host(getenv('KATAKEI_ADDRESS') ?: 'localhost')
    ->set('remote_user', 'deploy')
    ->set('deploy_path', '/var/www/laravel');

// Migrations belong to no single server. Run those that the old code can live with before the rollout.
task('deploy', [
    'deploy:prepare',
    'deploy:vendors',
    'artisan:storage:link',
    'artisan:config:cache',
    'artisan:route:cache',
    'artisan:view:cache',
    'deploy:publish',
]);

task('php-fpm:reload', function () {
    run('sudo systemctl reload php-fpm');
});
after('deploy:symlink', 'php-fpm:reload');
after('rollback', 'php-fpm:reload');
after('deploy:failed', 'deploy:unlock');
